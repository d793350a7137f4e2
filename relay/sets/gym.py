"""The tasks of reasoning-gym as problem sets without an end, seeded as the families are."""

import re
import warnings
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from relay.draws import seed_of
from relay.errors import Mistake, UserError
from relay.problems import Problem

TRIES = 1000  # draws in a row that bring nothing new: then there is nothing new
SIZES = (100, 1_000, 10_000, 100_000, 2**31 - 1)  # of the package's data sets: grown as problems are asked for
_NEEDS = "problems of reasoning-gym need the extra [gym]: pip install 'relay-cot[gym]'"
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(/\d+)?")
_MIXED = "composite"  # takes other tasks and cannot be made alone


class Gym:
    """All tasks: `reasoning_gym:TASK` names one."""

    title = "Tasks of reasoning-gym, drawn by a seed, such as `reasoning_gym:chain_sum`"

    def tasks(self) -> list[str]:
        """The names of its tasks. Raises UserError when the package is not installed."""
        return sorted(set(_package().factory.DATASETS) - {_MIXED})

    def task(self, name: str) -> "GymTask":
        """One task. Raises UserError when there is none of this name."""
        known = self.tasks()
        if name in known:
            return GymTask(name)
        near = get_close_matches(name, known, 1)
        instead = f"did you mean {near[0]!r}?" if near else "`relay problems reasoning_gym` lists them"
        what = f"reasoning-gym has no task {name!r}" if name else "'reasoning_gym' is many sets"
        raise UserError(Mistake("problems.from", what, instead if name else "name one: `reasoning_gym:TASK`"))


class GymTask:
    """A task of reasoning-gym as a problem set without an end."""

    endless = True

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, seed: int = 0) -> Iterator[Problem]:
        """Its problems, none twice; they depend on the seed and the package's version. Raises UserError."""
        prefix = self.name if seed == 0 else f"{self.name}-s{seed}"
        seen: set[str] = set()
        last = 0
        for number, item in enumerate(self._items(seed)):
            question, answer = str(item["question"]).strip(), str(item["answer"] or "").strip()
            if not answer:
                what = f"'reasoning_gym:{self.name}' gives no reference answer"
                raise UserError(Mistake("problems.from", what, "take another task"))
            if question not in seen:
                seen.add(question)
                last = number
                kind = "math" if _NUMBER.fullmatch(answer) else "text"
                yield Problem(f"{prefix}-{number:04d}", question, answer, kind, _columns(item["metadata"]))
            elif number - last >= TRIES:
                return

    def _items(self, seed: int) -> Iterator[dict[str, Any]]:
        # The package seeds item i with seed + i: seeds that lie side by side would share nearly all problems.
        drawn = seed_of(seed, "", 0, "reasoning_gym", self.name) % 2**31
        package = _package()
        given = 0
        try:
            for size in SIZES:  # item i is the same whatever the size, but some tasks cannot bear a large one
                items = package.create_dataset(self.name, seed=drawn, size=size)
                for number in range(given, size):
                    yield items[number]
                given = size
        except Exception as error:  # a task may raise anything
            if given:
                return
            what = f"'reasoning_gym:{self.name}' fails: {type(error).__name__}: {error}"
            raise UserError(Mistake("problems.from", what, "take another task")) from error


gym = Gym()


def _columns(metadata: dict[str, Any]) -> dict[str, object]:
    """What of an item's metadata `where:` can ask for."""
    return {k: v for k, v in metadata.items() if type(v) in (str, int, float, bool) and k != "source_index"}


def _package() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own packages, which leave files open
            import reasoning_gym
    except ImportError:
        raise UserError(_NEEDS) from None
    return reasoning_gym
