"""Tasks of reasoning-gym are problem sets without an end, as the families are."""

from itertools import islice

import pytest

from relay.errors import UserError
from relay.sets.gym import gym

pytest.importorskip("reasoning_gym")


def drawn(task: str, seed: int, count: int) -> list[str]:
    return [problem.question for problem in islice(gym.task(task)(seed), count)]


def test_problems_depend_on_the_seed_alone_and_none_comes_twice() -> None:
    some = drawn("chain_sum", 0, 250)
    assert len(set(some)) == 250
    assert drawn("chain_sum", 0, 40) == some[:40]
    shared = set(some) & set(drawn("chain_sum", 1, 250))
    assert len(shared) < 25, "short sums meet by chance; by the package's own seeds 0 and 1 share all but one"


def test_answers_are_the_package_s_own_and_right() -> None:
    problems = list(islice(gym.task("chain_sum")(7), 150))
    for problem in problems:
        assert problem.answer == str(eval(str(problem.extra["expression"])))
        assert problem.kind == "math"
    assert problems[0].id == "chain_sum-s7-0000"


def test_an_answer_in_words_is_text() -> None:
    (problem,) = islice(gym.task("knights_knaves")(0), 1)
    assert problem.kind == "text"


def test_what_cannot_be_asked_is_told() -> None:
    for task, line in {
        "chain_summ": "reasoning-gym has no task 'chain_summ' (did you mean 'chain_sum'?)",
        "": "'reasoning_gym' is many sets (name one: `reasoning_gym:TASK`)",
        "zzz": "reasoning-gym has no task 'zzz' (`relay problems reasoning_gym` lists them)",
    }.items():
        with pytest.raises(UserError) as told:
            gym.task(task)
        assert str(told.value) == f"problems.from: {line}"
    with pytest.raises(UserError, match="gives no reference answer"):
        drawn("graph_color", 0, 1)
