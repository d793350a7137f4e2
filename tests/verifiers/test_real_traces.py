"""The verifier over 400 real answers of two models to 200 problems of MATH, against their authors' labels."""

import asyncio
import gzip
import json
import re
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


NUMBER = re.compile(r"\d+(?:\.\d+)?")


def changed(reference: str, change) -> str:
    """The reference with its first number that is not 0 changed; so that it can still be read."""
    found = next((m for m in NUMBER.finditer(reference) if float(m[0])), None)
    return "" if found is None else reference[: found.start()] + change(found[0]) + reference[found.end() :]


def wrong_references(reference: str, another: str) -> dict[str, str]:
    """Five that are other answers; those that happen to be the same are left out."""
    numbers = list(NUMBER.finditer(reference))
    second = next((m for m in numbers[1:] if float(m[0]) != float(numbers[0][0])), None)
    swapped = ""
    unordered = "," in reference and reference[0] not in "(["  # a list of solutions has no order
    if second is not None and not unordered:
        first = numbers[0]
        middle, rest = reference[first.end() : second.start()], reference[second.end() :]
        swapped = f"{reference[: first.start()]}{second[0]}{middle}{first[0]}{rest}"
    elif len(set(reference)) > 1 and reference.isdigit():
        swapped = reference[::-1]
    other = {
        "another problem's": another,
        "one more": changed(reference, lambda n: str(float(n) + 1) if "." in n else str(int(n) + 1)),
        "other sign": reference[1:]
        if reference.startswith("-")
        else f"-{reference}"
        if reference[:1].isdigit()
        else "",
        "doubled": changed(reference, lambda n: str(2 * float(n)) if "." in n else str(2 * int(n))),
        "swapped parts": swapped,
    }
    return {kind: text for kind, text in other.items() if text not in ("", reference, "-0")}


def test_wrong_references_are_refused_for_every_finished_answer(graded):
    """Another problem's, one more, the other sign, doubled, its parts swapped. An answer that its authors call wrong
    may by chance be what a wrong reference says.
    """
    finished = [row for row, _ in graded if row["finished_thinking"]]
    asked = []
    for i, row in enumerate(finished):
        later = (r["answer"] for r in (*finished[i + 1 :], *finished) if r["answer"] != row["answer"])
        asked += [(row, kind, text) for kind, text in wrong_references(row["answer"], next(later)).items()]

    async def grade():
        verifier = MathVerifier(seconds=10)
        try:
            return await asyncio.gather(*(verifier.grade(Question(r["response"], True, text)) for r, _, text in asked))
        finally:
            await verifier.aclose()

    accepted = [
        (row["answer"], kind, text, verdict.answer, row["labelled_correct"])
        for (row, kind, text), verdict in zip(asked, asyncio.run(grade()), strict=True)
        if verdict.outcome == Outcome.CORRECT
    ]
    assert len(asked) > 1500
    assert [a for a in accepted if a[-1]] == []
    assert len(accepted) <= 4, accepted
