"""Spoilers without a model: what a steer states, against steers read by hand and sentences with a word on why."""

import asyncio
import gzip
import json
import time
from contextlib import aclosing
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from relay.problems import Problem
from relay.verifiers import Outcome, Question
from relay.verifiers.claims import MOST, stated
from relay.verifiers.math import MathVerifier

BY_HAND = json.loads((Path(__file__).parent / "steers_by_hand.json").read_text())


def asked(text: str, question: str, reference: str) -> Question:
    return Question(text, False, reference, "math", Problem("p", question, reference, "math", {}))


def spoilers(*questions: Question) -> list[bool]:
    async def work() -> list[bool]:
        async with aclosing(MathVerifier()) as verifier:
            found = [await verifier.states(question) for question in questions]
            return [each.outcome is Outcome.CORRECT for each in found]

    return asyncio.run(work())


def test_it_agrees_with_the_steers_read_by_hand(shared: Path) -> None:
    """72 steers of real traces: the starts of a 7B model's right reasoning about 18 problems that a 1.5B failed."""
    with gzip.open(shared / "traces" / "r1-distill-qwen-7b.math200.jsonl.gz", "rt") as lines:
        traces = {row["problem_id"]: row for row in map(json.loads, lines)}
    assert len(BY_HAND) == 72
    rows = [traces[label["problem_id"]] for label in BY_HAND]
    found = spoilers(
        *(
            asked(row["reasoning"][: label["characters"]], row["question"], row["answer"])
            for label, row in zip(BY_HAND, rows, strict=True)
        )
    )
    differ = [
        (b["problem_id"], b["n"], b["doubtful"]) for b, f in zip(BY_HAND, found, strict=True) if f != b["spoiler"]
    ]
    assert len(differ) <= 2, differ
    assert sum(label["spoiler"] for label in BY_HAND) == 30, "and neither yes nor no to all would do"


WHAT = "What is the largest number of apples that Ann can carry?"
STATES = [
    (WHAT, "12", "So the largest number of apples is 12.", "the words of the question"),
    (WHAT, "12", "Hmm, 3 * 4 = 12. So the answer would be 12?", "tentative, but said"),
    ("Find $pq$.", "2", "p = 2 and q = 1, so pq = 2 * 1 = 2.", "the letters that are asked for, at a chain's end"),
    ("What is $x$?", "5", "Then x = 5, and we check it.", "the letter that is asked for"),
    ("Compute the side length.", "16\\sqrt{3}", "so it is \\( \\sqrt{768} = 16\\sqrt{3} \\).", "a value like no other"),
    ("What is the radical conjugate?", "-\\sqrt{11}-1", "So it is \\(-1 - \\sqrt{11}\\).", "other order, by algebra"),
    ("How many are there in all?", "1,234", "That gives 1234.", "a large number, with and without a comma"),
    ("What is the probability?", "\\frac{3}{8}", "The probability is 0.375.", "the same as a decimal"),
    ("What is the range?", "(-\\infty, 0]", "so the range is \\( (-\\infty, 0] \\). Wait", "an interval in math"),
    ("Express the sum in base 5.", "4130_5", "So the sum is 4130_5.", "a base"),
    ("What is the sum of $a$ and $b$?", "7", "We get \\boxed{7}.", "a box"),
]  # fmt: skip
DOES_NOT = [
    (WHAT, "12", "First, list the boxes: 10, 11, 12, 13.", "in a list"),
    (WHAT, "12", "She has 12 baskets. Let k = 12 for now.", "another quantity"),
    (WHAT, "12", "So the largest number of apples is 21.", "another number"),
    ("Find the smallest $n$.", "251", "Note that 2008 = 8 * 251.", "a factor of another number"),
    ("Find $pq$.", "2", "So p = 2.", "another letter"),
    ("How many tiles?", "996506", "The root is about 996.506.", "a point is no comma"),
    ("Ann has 40 of 120 marbles. How many are left?", "40", "Ann has 40. That is 40 in all.", "what was given"),
    (WHAT, "12", "", "nothing"),
    (WHAT, "", "So the largest number is 12.", "no reference"),
]  # fmt: skip


def test_steers_that_state_it_and_steers_that_do_not() -> None:
    rows = [(row, True) for row in STATES] + [(row, False) for row in DOES_NOT]
    found = spoilers(*(asked(text, question, reference) for (question, reference, text, _), _ in rows))
    assert [row for (row, expected), each in zip(rows, found, strict=True) if each != expected] == []


@given(st.text(alphabet="=$\\([{}])is 12x.\n\t", max_size=400), st.text(max_size=60))
def test_any_text_can_be_read(text: str, question: str) -> None:
    found = stated(text, question)
    assert len(found) <= MOST
    assert len({each.value for each in found}) == len(found)


def test_a_text_twice_as_long_takes_twice_as_long() -> None:
    for piece in ("so x = 12. ", "=" * 50, "is " * 30, "\\boxed{" * 20, "a is (" * 9, "x = y = z = 1 = "):
        short, long = piece * 300, piece * 2400

        def seconds(text: str) -> float:
            began = time.perf_counter()
            stated(text, WHAT)
            return time.perf_counter() - began

        least = min(seconds(short) for _ in range(3))
        assert min(seconds(long) for _ in range(3)) < 40 * least + 0.05, piece
