"""How long many rollouts take: against closed forms, and a pace found again in the calls that it made."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.planning.meter import Call, beside
from relay.planning.wall import Pace, Work, fitted, seconds, work_of


def call(began: float, ended: float, decoded: int = 10, computed: int = 0, name: str = "p") -> Call:
    return Call("m", False, (name, 0, ""), computed, 0, decoded, began, ended)


def test_one_after_another_takes_the_sum_and_all_at_once_the_longest() -> None:
    works = [Work(1.0, 100), Work(0.0, 300), Work(2.0, 50)]
    pace = Pace(0, 0, 0.1)
    assert seconds(works, 1, pace) == pytest.approx(3.0 + 45.0)
    assert seconds(works, 3, pace) == pytest.approx(30.0)
    assert seconds(works, 2, pace) == pytest.approx(30.0)  # 11, then 7 more beside the one of 30


def test_tokens_are_slower_the_more_calls_run() -> None:
    pace = Pace(0, 0, 0.0, busy=0.01)  # a machine that does 100 tokens a second, however many calls share it
    works = [Work(0, 100)] * 8
    for at_once in (1, 2, 4, 8):
        assert seconds(works, at_once, pace) == pytest.approx(8.0)
    assert seconds([Work(0, 100), Work(0, 200)], 2, pace) == pytest.approx(3.0)  # 2 s side by side, then 1 s alone


@given(st.lists(st.floats(1, 1000), min_size=1, max_size=60), st.integers(1, 70))
def test_no_schedule_is_shorter_than_its_work_or_longer_than_one_by_one(tokens: list[float], at_once: int) -> None:
    works, pace = [Work(0.0, t) for t in tokens], Pace(0, 0, 0.5)
    took = seconds(works, at_once, pace)
    assert took >= max(0.5 * max(tokens), 0.5 * sum(tokens) / at_once) * (1 - 1e-9)
    assert took <= (0.5 * sum(tokens) / at_once + 0.5 * max(tokens)) * (1 + 1e-9)  # Graham's bound


def test_nothing_takes_no_time() -> None:
    assert seconds([], 4, Pace(0, 0, 1)) == 0


def test_how_many_calls_ran_beside_each() -> None:
    assert beside([call(0, 10)]) == [1.0]
    assert beside([call(0, 10), call(5, 10), call(20, 21)]) == pytest.approx([1.5, 2.0, 1.0])


def test_a_pace_is_found_again_in_its_calls() -> None:
    true = Pace(0.2, 0.001, 0.01, 0.002)
    random = Random(1)
    shape = [(random.uniform(0, 60), random.randint(20, 400), random.randint(0, 2000)) for _ in range(400)]
    calls = [call(began, began + 5, decoded, computed) for began, decoded, computed in shape]
    for _ in range(60):  # ends hang on neighbours, which hang on ends: until they settle
        ends = [
            true.seconds + true.prompt * c.computed + true.each(n) * c.decoded
            for c, n in zip(calls, beside(calls), strict=True)
        ]
        calls = [c._replace(ended=c.began + s) for c, s in zip(calls, ends, strict=True)]
    found = fitted(calls)
    assert found.prompt == pytest.approx(true.prompt, rel=0.05)
    assert found.each(20) == pytest.approx(true.each(20), rel=0.05)
    assert all(term >= 0 for term in found)


def test_a_rollout_s_work_is_that_of_its_calls() -> None:
    assert work_of([call(0, 1, 10, 100), call(1, 2, 20, 200)], Pace(1, 0.01, 5)) == Work(5.0, 30)
