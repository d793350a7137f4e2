"""relay doctor: what may go wrong between models, before any of them is run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from relay.measure.traps import Check, PairCheck

BESIDE = 4  # models in one table


def doctor(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="Names, folders or .gguf files, as `model:` takes them.")
    ],
    text: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A text of your field to try them on; else a page of our own.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a model and a pair, for machines.")] = False,
) -> None:
    """Compare tokenizers and templates: who can read whose tokens, and what to look out for."""
    from relay.engine.loading import load_words
    from relay.engine.transformers import TransformersModel
    from relay.measure.sample import SAMPLE
    from relay.measure.traps import Words, check, check_pair

    sample = SAMPLE if text is None else _read(text)
    words: list[Words] = []
    checks: list[Check] = []
    mistakes: list[Mistake] = []
    for name in dict.fromkeys(models):
        try:
            words.append(Words(name, *load_words(TransformersModel(model=name))))
            checks.append(check(words[-1], sample))
        except UserError as error:
            mistakes += [_of(name, mistake) for mistake in error.mistakes]
    if mistakes:
        raise UserError.of(mistakes)
    pairs = [check_pair(a, b, sample) for a in words for b in words if a is not b]
    if json:
        from json import dumps

        for line in (*(c._asdict() for c in checks), *(p._asdict() for p in pairs)):
            print(dumps(line))
        return
    _print(checks, pairs)


def _print(checks: "list[Check]", pairs: "list[PairCheck]") -> None:
    from relay.tui.console import Plain
    from relay.tui.safe import visible
    from relay.tui.symptoms import model_table, pair_table

    console = Plain()
    for start in range(0, len(checks), BESIDE):
        console.print(model_table(checks[start : start + BESIDE]))
    if pairs:
        console.print(pair_table(pairs))
    told = [(c.name, trap) for c in checks for trap in c.traps]
    told += [(f"{p.author} -> {p.reader}", trap) for p in pairs for trap in p.traps]
    for name, trap in told:
        console.print(visible(f"! {name}: {trap}"), soft_wrap=True)
    if not told:
        console.print("nothing to look out for")


def _of(name: str, mistake: Mistake) -> Mistake:
    """A mistake that says which model it is of."""
    where = f"model {name!r}: {mistake.where}".removesuffix(": ")
    return mistake if name in mistake.where else mistake._replace(where=where)


def _read(path: Path) -> str:
    try:
        found = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "is no UTF-8 text"
        raise UserError(Mistake(str(path), f"cannot be read: {why}", "name a text file")) from None
    if not found.strip():
        raise UserError(Mistake(str(path), "is empty", "name a file with a page of text or more"))
    return found
