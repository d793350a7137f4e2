"""Reading a steered thought: stories told by hand, phrases, and what must hold for any text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.measure.anew import way
from relay.measure.marks import Computation, Odds, computations, numbers, words
from relay.measure.phrases import DOUBTS, doubts
from relay.measure.ratios import ratio
from relay.measure.recovery import Steered, recovery

QUESTION = "A baker fills 14 trays with 23 rolls each and sells 117 rolls. How many rolls are left?"
ABOUT = "A ferry carries 36 cars at 45 crowns each. What does the ferry earn on 12 trips?"
OPENING = "The baker has trays and rolls. First 14 * 23 = 322. That is all that was baked."
STEER = "\nWait. Let me think\nThe ferry carries cars. Each trip earns 36 * 45 = 1620 crowns."
ASTRAY = " The ferry goes 12 times. So 1620 * 12 = 19440 crowns."


def told(continuation: str, opening: str = OPENING) -> tuple[str, str | None, int]:
    found = recovery(Steered(QUESTION, opening, STEER, continuation, about=ABOUT))
    return found.kind, found.way, found.back


RESUMED = " So 322 - 117 = 205 rolls are left."
ANEW = " The baker fills 14 trays with 23 rolls each and sells 117. First 14 * 23 = 322. Then 322 - 117 = 205."
HOLD_ON = " Hold on, that is not the question."


@pytest.mark.parametrize(
    ("continuation", "kind", "how", "before"),
    [
        (ASTRAY, "never", None, None),
        (RESUMED, "ignored", "resume", ""),
        (ANEW, "ignored", "restart", ""),
        (HOLD_ON + RESUMED, "ignored", "resume", ""),
        (ASTRAY + RESUMED, "resume", "resume", ASTRAY),
        (ASTRAY + HOLD_ON + RESUMED, "resume", "resume", ASTRAY),
        (ASTRAY + HOLD_ON + ANEW, "restart", "restart", ASTRAY),
        (ASTRAY + RESUMED + ASTRAY + ASTRAY, "never", None, None),  # to return is to stay
        (ASTRAY + " So far we had 322 rolls." + RESUMED, "resume", "resume", ASTRAY),
        (" So the answer is 19440.", "never", None, None),
        ("", "never", None, None),
    ],
)
def test_stories(continuation: str, kind: str, how: str | None, before: str | None) -> None:
    assert told(continuation) == (kind, how, -1 if before is None else len(before))


def test_with_nothing_to_go_on_from_every_return_is_a_restart() -> None:
    assert told(ASTRAY + ANEW, opening="")[:2] == ("restart", "restart")
    assert told(ASTRAY + " So 14 * 23 = 322.", opening="")[:2] == ("restart", "restart")
    assert way(QUESTION, "Let me see. It is 14 trays.", [" So 14 * 23 = 322."]) == "restart"


def test_the_two_problems_are_treated_alike() -> None:
    """What is a return for the one is going astray for the other."""
    mirrored = Steered(ABOUT, "", OPENING, RESUMED, about=QUESTION)
    assert recovery(mirrored).kind == "never"
    assert recovery(mirrored._replace(continuation=ASTRAY)).kind == "ignored"


def test_a_number_tells_nothing_when_both_have_it() -> None:
    same = Steered("Work out 12 + 30.", "", "Work out 12 + 30.", " So 12 + 30 = 42.", about="Work out 12 + 30.")
    assert recovery(same).kind == "never"


def test_results_belong_to_the_problem_they_came_from() -> None:
    text = " Here 322 - 117 = 205. Then 205 - 5 = 200."
    steered = Steered(QUESTION + " And 5 more?", OPENING, STEER, ASTRAY + text, about=ABOUT)
    assert recovery(steered).back == len(ASTRAY)


@given(*[st.text(st.sampled_from("7 12+*=.\n aeTh$\\W?!-x,"), max_size=120)] * 6)
def test_any_text_is_read(a: str, b: str, c: str, d: str, e: str, f: str) -> None:
    found = recovery(Steered(a, b, c, d, e, f))
    assert (found.way is None) == (found.back == -1) == (found.sentence == -1) == (found.kind == "never")
    assert -1 <= found.back < max(1, len(d))
    assert (found.kind == "ignored") == (found.back == 0)
    assert (found.doubts.times == 0) == (found.doubts.first == -1)


@pytest.mark.parametrize("piece", ["1", "1,", "12 + ", "7 = ", " ", "but ", "$", "\\times", "1.", "(", "a b. "])
def test_long_texts_are_read_in_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    begun = time.perf_counter()
    recovery(Steered(QUESTION, OPENING, STEER, text, OPENING, text, ABOUT))
    assert time.perf_counter() - begun < 20


def test_each_phrase_of_doubt_counts_once() -> None:
    for phrase in DOUBTS:
        assert doubts(f"And {phrase} so").times == 1, phrase
        assert doubts(f"And {phrase.upper()}, so") == (1, 4)
    assert doubts("The butter is awaited, hmmmm").times == 0
    assert doubts("That’s not it. Wait, but why?") == (3, 0)
    assert doubts("") == (0, -1)


def test_marks_are_read_as_written() -> None:
    assert numbers("1,234.5 and 7. x2 costs $30, 0.5") == ["1234.5", "7", "30", "0.5"]
    assert words("The BAKER is so far, at 3x rolls") == ["baker", "x", "rolls"]
    assert computations("3 × 1,000 = 3,000, 8 \\times 2 = 16, 9 minus 4 is 5") == [
        Computation("3", "*", "1000", "3000"), Computation("8", "*", "2", "16"), Computation("9", "-", "4", "5")
    ]  # fmt: skip
    assert computations("3 + x = 5, 3 + 4") == []


def test_odds_are_of_both_texts() -> None:
    odds = Odds(["a", "a", "b"], ["b", "c"])
    assert odds("a") > 0 > odds("c")
    assert odds("b") == pytest.approx(0, abs=0.5)
    assert odds("d") == 0
    back = Odds(["b", "c"], ["a", "a", "b"])
    assert back("a") == pytest.approx(-odds("a"))


def test_a_ratio_is_a_geometric_mean_by_problem() -> None:
    found = ratio([[(4, 1), (1, 1)], [(2, 1)], []])
    assert found is not None
    assert found.mean == pytest.approx(2)
    assert (found.low, found.high) == (pytest.approx(2), pytest.approx(2))
    assert found.problems == 2
    one = ratio([[(3, 2)]])
    assert one is not None
    assert (one.mean, one.low) == (pytest.approx(1.5), None)
    assert ratio([[]]) is None


def test_its_interval_is_student_s_of_the_logarithms() -> None:
    """Logs 0, 0, 0, ln 16: mean ln 2, s = 2 ln 2, t(3) = 3.18245."""
    found = ratio([[(1, 1)], [(1, 1)], [(1, 1)], [(16, 1)]])
    assert found is not None
    assert found.high == pytest.approx(2 ** (1 + 3.182446))
    assert found.low == pytest.approx(2 ** (1 - 3.182446))
