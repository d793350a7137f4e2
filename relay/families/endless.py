"""Problem sets without an end: the tasks of a family that are kept for tests, as problems."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count, cycle
from random import Random

from relay.draws import generator
from relay.families.brackets import bracket
from relay.families.chains import chain
from relay.families.equations import equation
from relay.families.stories import story
from relay.families.tasks import Task, held_out
from relay.problems import Problem

TRIES = 1000  # draws in a row that bring nothing new: then there is nothing new of this difficulty


class Family:
    """A problem set without an end: one problem of each difficulty in turn, none twice, each drawn by the seed."""

    endless = True

    def __init__(self, task: Callable[[Random, int], Task], difficulties: Sequence[int], told: str) -> None:
        """`told` is a line for the list of problem sets."""
        self.task, self.difficulties = task, tuple(difficulties)
        self.__doc__ = told

    def __call__(self, seed: int = 0) -> Iterator[Problem]:
        """Its problems, from the first on; they depend on the seed alone."""
        name = self.task.__name__
        prefix = name if seed == 0 else f"{name}-s{seed}"
        left = {d: generator(seed, name, d, "problems") for d in self.difficulties}
        seen: set[str] = set()
        numbers = count(1)
        for difficulty in cycle(self.difficulties):
            if not left:
                return
            if difficulty not in left:
                continue
            task = self._new(left[difficulty], difficulty, seen)
            if task is None:
                del left[difficulty]
                continue
            seen.add(task.content)
            extra = {"difficulty": difficulty, "family": task.family}
            id = f"{prefix}-{difficulty}-{next(numbers):04d}"
            yield Problem(id, task.question, str(task.answer), "math", extra)

    def _new(self, draw: Random, difficulty: int, seen: set[str]) -> Task | None:
        for _ in range(TRIES):
            task = self.task(draw, difficulty)
            if held_out(task.content) and task.content not in seen:
                return task
        return None


chains = Family(chain, range(1, 9), "Chains such as 41 + 7 - 22 + 16, of 1 to 8 operations.")
brackets = Family(bracket, range(1, 6), "Expressions such as (41 + 7) * 2 - 15, of 1 to 5 operations.")
equations = Family(equation, range(1, 4), "Equations such as 3 * x + 7 = 28, of 1 to 3 steps.")
stories = Family(story, range(1, 5), "Short word problems of 1 to 4 steps.")
