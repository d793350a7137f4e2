"""Selection: the problems a model solves often enough, or a line that says what there was instead."""

from collections import Counter

import pytest

from relay.errors import UserError
from relay.prepare.selection import Rule, select
from relay.problems import Problem

PROBLEMS = [Problem(f"p{i}", "q", "a") for i in range(9)]
SOLVED = {"m": {f"p{i}": i for i in range(9)}}  # p0 solved never, p8 always


def ids(rule: Rule, limit: int | None = None, seed: int = 0) -> list[str]:
    return [p.id for p in select(PROBLEMS, [rule], SOLVED, limit, seed)]


def test_bounds_hold_at_both_ends() -> None:
    assert ids(Rule("m", 8, 8, 8)) == ["p8"]
    assert ids(Rule("m", 0, 1, 8)) == ["p0", "p1"]
    assert ids(Rule("m", 3, 5, 8)) == ["p3", "p4", "p5"]


def test_a_limit_is_a_seeded_draw_in_the_problems_own_order() -> None:
    drawn = ids(Rule("m", 0, 8, 8), 4, seed=1)
    assert len(drawn) == 4
    assert drawn == sorted(drawn)
    assert drawn == ids(Rule("m", 0, 8, 8), 4, seed=1)
    assert {tuple(ids(Rule("m", 0, 8, 8), 4, seed=s)) for s in range(20)} != {tuple(drawn)}


def test_several_models_share_a_subset() -> None:
    solved = {**SOLVED, "n": {f"p{i}": 8 - i for i in range(9)}}
    both = select(PROBLEMS, [Rule("m", 4, 8, 8), Rule("n", 4, 8, 8)], solved, None, 0)
    assert [p.id for p in both] == ["p4"]


def test_an_empty_selection_names_the_nearest() -> None:
    few = PROBLEMS[:4]
    with pytest.raises(UserError) as error:
        select(few, [Rule("m", 8, 8, 8)], SOLVED, None, 0)
    assert str(error.value) == (
        "select: no problem of 4 was solved 8 of 8 times by m; the nearest were p3 (3/8), p2 (2/8), p1 (1/8) "
        "(loosen `select:`, or take more problems)"
    )


def test_evenly_every_solve_rate_appears() -> None:
    """Of 998 problems most are always solved: a plain draw has these; evenly, each of the eight rates is there."""
    rates = [8] * 900 + [r for r in range(1, 8) for _ in range(14)]
    problems = [Problem(f"p{i}", "q", "a") for i in range(len(rates))]
    solved = {"m": {p.id: r for p, r in zip(problems, rates, strict=True)}}
    rule = Rule("m", 1, 8, 8)

    def drawn(evenly: str | None, seed: int) -> Counter[int]:
        return Counter(solved["m"][p.id] for p in select(problems, [rule], solved, 24, seed, evenly))

    plain = sum((drawn(None, seed) for seed in range(50)), Counter())
    even = sum((drawn("m", seed) for seed in range(50)), Counter())
    assert plain[8] / plain.total() == pytest.approx(900 / 998, abs=0.02)
    assert all(0.6 < even[rate] / 150 < 1.4 for rate in range(1, 9)), even
    assert drawn("m", 3) == drawn("m", 3)


def test_where_a_rate_has_too_few_all_of_them_are_taken_sooner() -> None:
    rates = [8] * 100 + [1]
    problems = [Problem(f"p{i}", "q", "a") for i in range(len(rates))]
    solved = {"m": {p.id: r for p, r in zip(problems, rates, strict=True)}}
    taken = sum("p100" in {p.id for p in select(problems, [Rule("m", 1, 8, 8)], solved, 10, s, "m")} for s in range(60))
    assert taken >= 54
