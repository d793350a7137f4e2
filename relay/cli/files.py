"""relay report --html, --csv, --latex and --methods: the report as a file, or in words."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from relay.measure.price import Price
    from relay.store.reader import Run

ENDINGS = {"--html": (".html", ".htm"), "--csv": (".csv",), "--latex": (".tex",)}


class Files(NamedTuple):
    """What is to be written."""

    html: Path | None
    csv: Path | None
    latex: Path | None

    def check(self, *, methods: bool = False, as_json: bool = False, **beside: bool) -> "Files":
        """Raise UserError, before anything is measured, where one cannot be written or does not go with the rest."""
        asked = [*(name for name, file in zip(ENDINGS, self, strict=True) if file), *(["--methods"] if methods else [])]
        others = [f"--{name}" for name, wanted in beside.items() if wanted]
        others += ["--json"] if as_json and any(self) else []
        mistakes = []
        if asked and (others or (methods and len(asked) > 1)):
            others = others or ["--methods"]
            mistakes.append(Mistake(f"relay report {asked[0]}", f"does not go with {', '.join(others)}", "ask twice"))
        for (option, endings), file in zip(ENDINGS.items(), self, strict=True):
            if file is not None and file.suffix not in endings:
                mistakes.append(
                    Mistake(f"{option} {file}", "what kind of file?", f"end it with {' or '.join(endings)}")
                )
            elif file is not None and not file.parent.is_dir():
                mistakes.append(Mistake(f"{option} {file}", f"there is no folder {file.parent}"))
        if mistakes:
            raise UserError.of(mistakes)
        return self

    def write(self, runs: Sequence[Path], prices: "Sequence[dict[str, Price]]") -> None:
        """Write them, each whole or not at all."""
        from relay.store.making import cannot_write
        from relay.tui.safe import visible

        with _all(runs) as opened:
            for file, text in self._texts(opened, prices):
                try:
                    whole_file(file, text)
                except OSError as error:
                    raise cannot_write(file, error) from None
                print(visible(f"{file}"))

    def _texts(self, runs: "Sequence[Run]", prices: "Sequence[dict[str, Price]]") -> "Iterator[tuple[Path, str]]":
        from relay.reports.page import page
        from relay.reports.tables import csv_of, gains_csv_of, latex_of

        if self.html is not None:
            yield self.html, page(runs, prices)
        if self.csv is not None:
            yield self.csv, csv_of(runs)
            if gained := gains_csv_of(runs, prices):
                yield self.csv.with_suffix(".gains.csv"), gained
        if self.latex is not None:
            yield self.latex, latex_of(runs, prices)


def whole_file(file: Path, text: str) -> None:
    """Write it beside its place, then put it there."""
    unfinished = file.with_name(file.name + ".unfinished")
    try:
        unfinished.write_text(text, "utf-8", newline="")
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _all(runs: Sequence[Path]) -> "Iterator[list[Run]]":
    from relay.store.opening import opened
    from relay.store.reader import Still

    with ExitStack() as stack:
        yield [stack.enter_context(opened(path, Still)) for path in runs]


def print_methods(runs: Sequence[Path], *, as_json: bool) -> None:
    """The methods of each run, a paragraph a group."""
    from json import dumps

    from relay.reports.methods import methods
    from relay.tui.safe import visible

    with _all(runs) as opened:
        for run in opened:
            told = methods(run)
            print(dumps({"run": str(run.path), "methods": told}) if as_json else visible("\n\n".join(told)) + "\n")
