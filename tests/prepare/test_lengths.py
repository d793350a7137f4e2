"""How long thoughts must be: in tokens, or as a share of the others; and problems that have none so long."""

import pytest

from relay.errors import UserError
from relay.language.amounts import NOTHING_OF_IT, Share, Tokens
from relay.prepare.lengths import as_long_as, longest_right
from relay.prepare.selection import Rule, select
from relay.problems import Problem

PROBLEMS = [Problem(f"p{i}", "q", str(i)) for i in range(10)]
OUTCOMES = {p.id: {0: "correct", 1: "wrong"} for p in PROBLEMS}


def length(problem: Problem, sample: int) -> int:
    """10, 20, ... 100 tokens; the second sample is a token longer."""
    return 10 * (int(problem.id[1:]) + 1) + sample


def left(wanted: Share | Tokens, run: list[Problem] = PROBLEMS) -> list[tuple[str, int]]:
    found = as_long_as(wanted, OUTCOMES, run, PROBLEMS, length)
    assert set(found) == set(OUTCOMES)
    return [(problem, sample) for problem, samples in found.items() for sample in samples]


def test_no_length_lets_all_in_and_looks_at_none() -> None:
    def never(problem: Problem, sample: int) -> int:
        raise AssertionError(problem, sample)

    assert as_long_as(NOTHING_OF_IT, OUTCOMES, PROBLEMS, PROBLEMS, never) is OUTCOMES


def test_so_many_tokens_are_at_least_so_many() -> None:
    assert left(Tokens(tokens=91)) == [("p8", 1), ("p9", 0), ("p9", 1)]
    assert left(Tokens(tokens=102)) == []


def test_a_share_is_a_percentile_of_the_run_s_own_problems() -> None:
    assert left(Share(share=0.8)) == [("p7", 1), ("p8", 0), ("p8", 1), ("p9", 0), ("p9", 1)]
    assert left(Share(share=1)) == [("p9", 1)]
    short = PROBLEMS[:5]  # 80 % of their solos have at most 41 tokens: all of the others are as long
    assert left(Share(share=0.8), short) == [("p3", 1), *((f"p{i}", k) for i in range(4, 10) for k in (0, 1))]


def test_only_right_thoughts_count_for_a_selection() -> None:
    outcomes = {**OUTCOMES, "p9": {0: "wrong", 1: "undecided"}}
    assert longest_right(PROBLEMS, outcomes, length) == {**{f"p{i}": 10 * (i + 1) for i in range(9)}, "p9": 0}


SOLVED = {"m": dict.fromkeys(OUTCOMES, 8)}
LONGEST = {"m": longest_right(PROBLEMS, OUTCOMES, length)}


def test_a_problem_without_a_thought_so_long_is_not_selected() -> None:
    rule = Rule("m", 8, 8, 8, 85)
    assert [p.id for p in select(PROBLEMS, [rule], SOLVED, None, 0, longest=LONGEST)] == ["p8", "p9"]
    assert str(rule) == "solved 8 of 8 times by m, with a right thought of at least 85 tokens"


def test_where_all_are_too_short_the_longest_is_told() -> None:
    with pytest.raises(UserError) as error:
        select(PROBLEMS, [Rule("m", 8, 8, 8, 4096)], SOLVED, None, 0, longest=LONGEST)
    assert str(error.value) == (
        "select: 10 problems were solved as often as wanted, and by no right thought as long: at most 100 of 4,096 "
        "tokens by m (let shorter ones in: `as_long_as:`, in relay's presets `let.shortest`)"
    )
