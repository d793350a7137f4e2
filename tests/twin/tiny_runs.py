"""Real recoverability runs of the small models, on all their families at once."""

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from relay.families.brackets import bracket
from relay.families.chains import chain
from relay.families.endless import Family
from relay.families.equations import equation
from relay.families.stories import story
from relay.store.reader import Run

FAMILIES = (
    Family(chain, [2, 3, 4, 5], "Chains."), Family(bracket, [2], "Brackets."),
    Family(equation, [1, 2], "Equations."), Family(story, [2, 3], "Stories."),
)  # fmt: skip


def questions(count: int) -> list[dict[str, object]]:
    """So many problems, the families in turn."""
    sets = [list(islice(family(), count)) for family in FAMILIES]
    turns = [sets[i % len(sets)][i // len(sets)] for i in range(count)]
    return [{"id": p.id, "question": p.question, "answer": p.answer, "difficulty": 3} for p in turns]


def tiny_run(folder: Path, model: str, problems: int, n: str = "[0.2]") -> Path:
    """The run file of recoverability on these problems; distractions come from all families."""
    file = folder / "problems.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in questions(problems)))
    out = folder / f"{model}.relay"
    sets = [
        f"models.main.model=relay/{model}", f"problems={{from: {file}, limit: {problems}}}", "pool.samples=2",
        "select.problems.at_least=2/2", f"select.limit={problems}", f"sweep.over.n={n}", "let.cut=nearest",
    ]  # fmt: skip
    program = [sys.executable, "-c", "from relay.cli import main; main()", "run", "recoverability", "--out", str(out)]
    words = [word for each in sets for word in ("--set", each)]
    said = subprocess.run(
        [*program, *words, "--pool", str(folder / "pool.sqlite")],
        capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    return out


def steered(path: Path, problems: int) -> Iterator[tuple[int, tuple[str, str, str, str, str]]]:
    """Of each steered rollout: its question, opening, the other question, the steer, and the thought behind it."""
    asked = {str(row["id"]): str(row["question"]) for row in questions(problems)}
    with Run(path) as run:
        for row in run.rollouts():
            opening, steer, after = (hop.segment for hop in run.hops(row.id))
            if steer is None or after is None:
                continue
            source = run.hops(row.id)[1].source.rpartition("/")[0]
            thought = after.text.partition("</think>")[0]
            before = opening.text if opening else ""
            yield row.id, (asked[row.problem], before, asked[source], steer.text, thought)
