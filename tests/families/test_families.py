"""Problem families: every step is right, every answer exact, and what is asked in tests is never trained on."""

import random
import re
from collections.abc import Iterator
from itertools import islice

import pytest

from relay.families.endless import Family, brackets, chains, equations, stories
from relay.families.expressions import Expression, Operation, worked_out, written
from relay.families.tasks import HIGHEST, Task, held_out
from relay.train.recipes import RECIPES

FAMILIES = [chains, brackets, equations, stories]
DRAWN = 300


def tasks(family: Family) -> Iterator[Task]:
    draw = random.Random(5)
    for difficulty in family.difficulties:
        for _ in range(DRAWN):
            yield family.task(draw, difficulty)


def arithmetic(text: str) -> int:
    """What Python makes of it."""
    return int(eval(text, {"__builtins__": {}}))  # our own text, digits and signs


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.task.__name__)
def test_every_step_is_right_and_the_last_one_gives_the_answer(family: Family) -> None:
    for task in tasks(family):
        for step in task.steps:
            left, _, right = step.claim.partition(" = ")
            assert arithmetic(left.replace("/", "//")) == int(right), task
            assert 0 <= step.result <= HIGHEST
            proof, _, told = step.proof.partition(" = ")
            assert arithmetic(proof.replace("/", "//")) == int(told), task
        assert task.steps[-1].result == task.answer, task
        assert task.content in task.question


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.task.__name__)
def test_difficulty_is_the_number_of_steps(family: Family) -> None:
    for task in tasks(family):
        assert len(task.steps) == task.difficulty


def test_expressions_have_the_value_that_they_are_written_with_at_every_step() -> None:
    for family in (chains, brackets):
        for task in tasks(family):
            assert arithmetic(task.content) == task.answer
            assert all(arithmetic(step.leaves) == task.answer for step in task.steps if step.leaves)


def test_equations_hold_for_their_answer_at_every_step() -> None:
    for task in tasks(equations):
        for equation in (task.content, *(step.leaves for step in task.steps)):
            left, right = equation.split(" = ")
            assert arithmetic(left.replace("x", str(task.answer))) == int(right), task


def test_stories_add_up_as_they_are_told() -> None:
    for task in tasks(stories):
        first, *events = task.question.split(". ")[:-1]
        numbers = [int(n) for n in re.findall(r"\d+", first)]
        count = numbers[0] * numbers[1] if len(numbers) == 2 else numbers[0]
        for event in events:
            (number,) = map(int, re.findall(r"\d+", event))
            count += number if "more" in event else -number
        assert count == task.answer, task


def trees(draw: random.Random, operations: int) -> Expression:
    if not operations:
        return draw.randint(1, 9)
    before = draw.randrange(operations)
    return Operation(trees(draw, before), draw.choice("+-*"), trees(draw, operations - 1 - before))


def test_two_trees_are_written_alike_only_if_they_are_alike() -> None:
    draw, seen = random.Random(3), {}
    for _ in range(5000):
        tree = trees(draw, draw.randint(1, 4))
        text = written(tree)
        assert seen.setdefault(text, tree) == tree
        *_, last = worked_out(tree)
        assert last.result == arithmetic(text)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.task.__name__)
def test_a_seed_gives_its_problems_and_none_twice(family: Family) -> None:
    first, again, other = (list(islice(family(seed), 200)) for seed in (0, 0, 1))
    assert first == again
    assert len({p.question for p in first}) == len({p.id for p in first}) == 200
    assert {p.id for p in first}.isdisjoint(p.id for p in other)
    assert first[: len(family.difficulties)] != other[: len(family.difficulties)]
    assert [p.extra["difficulty"] for p in first[: len(family.difficulties)]] == list(family.difficulties)


def test_where_there_is_nothing_new_a_set_ends() -> None:
    def small(draw: random.Random, difficulty: int) -> Task:
        number = draw.randint(1, 200)
        return Task("small", difficulty, f"{difficulty} {number}", "?", "it", number, ())

    found = list(Family(small, [1, 2], "Small.")())
    assert {p.extra["difficulty"] for p in found} == {1, 2}
    assert len(found) == sum(held_out(f"{d} {n}") for d in (1, 2) for n in range(1, 201))


def test_no_problem_of_a_set_is_ever_trained_on() -> None:
    """Content is compared: what is asked, whatever the words around it."""
    asked = {task.content for family in FAMILIES for task in tasks(family) if held_out(task.content)}
    assert len(asked) > 200
    for recipe in RECIPES.values():
        trained = {task.content for task in islice(recipe.tasks(random.Random(1)), 20_000)}
        assert len(trained) > 5_000
        assert not trained & asked
        draw = random.Random(2)
        strayed_to = {task.content for task in islice(recipe.detours(draw), 5_000)}
        assert not strayed_to & asked
    for family in FAMILIES:
        for problem in islice(family(7), 300):
            assert any(held_out(text) for text in contents(problem.question)), problem


def contents(question: str) -> Iterator[str]:
    """All stretches of a question that can be what is asked."""
    words = question.rstrip("?.").split(" ")
    for first in range(len(words)):
        for last in range(first + 1, len(words) + 1):
            text = " ".join(words[first:last])
            yield text
            yield text.rstrip(".")
