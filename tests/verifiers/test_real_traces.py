"""The verifier over 400 real answers of two models to 200 problems of MATH, against their authors' labels."""

import asyncio
import gzip
import json
from pathlib import Path

import pytest

from relay.verifiers import Outcome, Question
from relay.verifiers.math import MathVerifier

TRACES = Path(__file__).parents[2].parent / "shared" / "traces"

pytestmark = pytest.mark.skipif(not TRACES.is_dir(), reason=f"the recorded traces are not there: {TRACES}")


@pytest.fixture(scope="module")
def graded():
    rows = []
    for path in sorted(TRACES.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows += map(json.loads, lines)

    async def grade():
        verifier = MathVerifier(seconds=10)
        questions = [Question(row["response"], row["finished_thinking"], row["answer"]) for row in rows]
        try:
            return await asyncio.gather(*map(verifier.grade, questions))
        finally:
            await verifier.aclose()

    return list(zip(rows, asyncio.run(grade()), strict=True))


def test_every_finished_answer_gets_the_label_of_its_authors(graded):
    finished = [(row, verdict) for row, verdict in graded if row["finished_thinking"]]
    assert len(finished) == 384
    others = [(r["answer"], v) for r, v in finished if (v.outcome == Outcome.CORRECT) != r["labelled_correct"]]
    assert others == []
    assert all(verdict.outcome != Outcome.UNDECIDED for _, verdict in finished)


def test_unfinished_thinking_is_wrong_even_where_the_authors_found_an_answer_in_it(graded):
    unfinished = [(row, verdict) for row, verdict in graded if not row["finished_thinking"]]
    assert len(unfinished) == 16
    assert {(verdict.outcome, verdict.why) for _, verdict in unfinished} == {(Outcome.WRONG, "unfinished")}
    assert sum(row["labelled_correct"] for row, _ in unfinished) == 4  # a number inside a thought that never closed


def test_most_answers_need_no_algebra(graded):
    assert sum("algebra" in verdict.why for _, verdict in graded) < len(graded) / 20
