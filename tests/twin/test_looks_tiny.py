"""What recovery looks like, on real relayed traces of the small models, against what each step's numbers say."""

from collections import Counter
from pathlib import Path

import pytest

from relay.store.reader import Run
from relay.twin.looks import seen
from tests.twin.tiny_runs import steered, tiny_run
from tests.twin.tiny_truth import truth

PROBLEMS = 32


def compared(path: Path, problems: int) -> list[tuple[bool, bool, str, str]]:
    """For each steered rollout: whether label and place agree, whether the way does, the label, and where they part."""
    with Run(path) as run:
        read = {row.rollout: row for row in seen(run)}
    found = []
    for number, texts in steered(path, problems):
        row, true = read.pop(number), truth(*texts)
        label = row.kind == true.kind and (-1 if row.sentence is None else row.sentence) == true.sentence
        found.append((label, row.way == true.way, true.kind, f"{path.name} {number}: {true}, read as {row}"))
    assert not read
    return found


@pytest.mark.parametrize("model", ["tiny", "tiny-backtrack"])
def test_labels_agree_with_whose_numbers_each_step_uses(tmp_path: Path, model: str) -> None:
    """At least 95 % of the traces: the label with the very sentence of the return, and the way on."""
    found = compared(tiny_run(tmp_path, model, PROBLEMS), PROBLEMS)
    assert len(found) >= 100
    kinds = Counter(kind for *_, kind, _ in found)
    assert kinds["never" if model == "tiny" else "ignored"] > len(found) / 2, kinds
    for part in (0, 1):
        wrong = [each[-1] for each in found if not each[part]]
        assert len(wrong) <= 0.05 * len(found), wrong
