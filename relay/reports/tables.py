"""The score tables of runs for other programs: CSV with all figures as numbers, LaTeX as the terminal shows them."""

import csv
import re
from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

from relay.measure.score_rows import COLUMNS, by_all, row
from relay.reports.page import Grid, grid
from relay.reports.parts import Caption, Note, parts

if TYPE_CHECKING:
    from relay.measure.price import Prices
    from relay.store.reader import Run

_ESCAPED = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "·": r"\textperiodcentered{}", "…": r"\ldots{}", "±": r"$\pm$", "∞": r"$\infty$",
}  # fmt: skip
_MINUS = re.compile(r"(?<![\w-])-(?=\d)")  # of a figure
_FORMULA = re.compile(r"[=+\-@\t\r]")  # how a spreadsheet's formula begins


def csv_of(runs: "Sequence[Run]") -> str:
    """A row for each cell and verifier of each run; shares in 0..1. No word in it is a formula to a spreadsheet."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["run", *COLUMNS])
    for run in runs:
        writer.writerows([_field(str(run.path)), *map(_field, row(score))] for score in by_all(run))
    return out.getvalue()


def gains_csv_of(runs: "Sequence[Run]", prices: "Sequence[Prices]" = ()) -> str:
    """A row for each comparison of each run, with the multiples of its costs; empty where no run has baselines."""
    from relay.measure.gain_rows import COLUMNS as GAINS
    from relay.measure.gain_rows import rows

    found = [(run, row) for i, run in enumerate(runs) for row in rows(run, prices[i] if prices else None)]
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["run", *GAINS])
    writer.writerows([_field(str(run.path)), *map(_field, row)] for run, row in found)
    return out.getvalue() if found else ""


def latex_of(runs: "Sequence[Run]", prices: "Sequence[Prices]" = ()) -> str:
    """Every table of the report as a `table` with booktabs, the run's caption under it."""
    found = []
    for i, run in enumerate(runs):
        told = list(parts(run, prices[i] if prices else None))
        captions = [part.text for part in told if isinstance(part, Caption)]
        tables = [grid(part) for part in told if not isinstance(part, Note | Caption)]
        found += [_table(each, captions[-1] if n == 0 else "") for n, each in enumerate(tables)]
    return "% needs \\usepackage{booktabs}\n" + "\n".join(found)


def _field(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _table(of: Grid, caption: str) -> str:
    kinds = "".join("r" if figures else "l" for _, figures in of.columns)
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(of.title)}.{f' {escaped(caption)}' if caption else ''}}}",
        rf"\begin{{tabular}}{{{kinds}}}",
        r"\toprule",
        " & ".join(escaped(name) for name, _ in of.columns) + r" \\",
        r"\midrule",
    ]
    for cells, whole in zip(of.rows, of.whole, strict=True):
        lines += [r"\midrule"] if whole else []
        told = [_MINUS.sub("$-$", escaped(cell)) if of.columns[i][1] else escaped(cell) for i, cell in enumerate(cells)]
        lines.append(" & ".join(told) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


def escaped(text: str) -> str:
    """Text as LaTeX sets it, letter by letter; a line break is a space."""
    return "".join(_ESCAPED.get(letter, letter) for letter in " ".join(text.split()))
