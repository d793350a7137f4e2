"""The options of relay report."""

from pathlib import Path
from typing import Annotated

import typer

Runs = Annotated[list[Path], typer.Argument(metavar="RUN", help="Run files.")]
Regrade = Annotated[
    str,
    typer.Option(
        metavar="VERIFIER", help="First grade every answer once more, by this verifier as `verify:` names it."
    ),
]
Spoilers = Annotated[
    bool, typer.Option("--spoilers", help="First find the steers that state the answer, by running them.")
]
Paper = Annotated[bool, typer.Option("--paper", help="Put each twin test beside the paper's table of the same test.")]
Looks = Annotated[
    bool, typer.Option("--looks", help="What recovery looks like: where and how each thought turns back.")
]
Html = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write all that it says and its pictures into one page.")
]
Csv = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the scores as CSV.")]
Latex = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the tables as LaTeX (booktabs).")]
Methods = Annotated[bool, typer.Option("--methods", help="Say what was run and how, for a paper, from the run file.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object for each cell of each run.")]
