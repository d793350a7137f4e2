"""What each small model is made of: its size, its words, what it learns from, and for how long."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from itertools import islice
from random import Random
from typing import NamedTuple

from relay.families.brackets import bracket
from relay.families.chains import chain
from relay.families.equations import equation
from relay.families.stories import story
from relay.families.tasks import Task, held_out
from relay.train.drills import drill
from relay.train.thoughts import Piece, plain, straying

PLAIN = r" ?\d| ?[A-Za-z]+| ?[^\sA-Za-z\d]|\s"  # a digit, a word or a sign, each with the space before it
WIDE = r"\d|[^\d]+"  # digits apart; all else merges, over spaces, new lines and sentence ends
APART = r"\d|[A-Za-z]+|[^A-Za-z\d]"  # digits, words, signs and spaces apart


class Part(NamedTuple):
    """A family among those that are drawn from."""

    make: Callable[[Random, int], Task]
    highest: int  # difficulty
    weight: float

    @property
    def family(self) -> str:
        """Its name: chain, story, ..."""
        return str(getattr(self.make, "__name__", self.make))


DETOURS = (Part(bracket, 2, 3), Part(equation, 2, 2), Part(story, 3, 2))  # what a thought strays to: never a chain


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make one model; with a seed it says everything."""

    name: str  # relay/NAME
    told: str  # what it is for, in a sentence
    mix: tuple[Part, ...]  # the families of its tasks
    pattern: str = PLAIN  # what its tokenizer does not merge across
    vocabulary: int = 384  # ids
    width: int = 128
    layers: int = 4
    heads: int = 4
    strays: float = 0.0  # share of the sentences with a detour behind them
    drills: float = 0.2  # share of the lessons that are rows of sums
    steps: int = 2000
    batch: int = 32  # lessons a step
    rate: float = 2e-3  # the highest learning rate

    def tasks(self, draw: Random) -> Iterator[Task]:
        """Tasks to learn from, without an end; none that is held out."""
        return _drawn(draw, self.mix)

    def thought(self, task: Task, draw: Random) -> list[Piece]:
        """A thought about it to learn from."""
        return straying(task, draw, self.detours(draw), self.strays) if self.strays else plain(task, draw)

    def detours(self, draw: Random) -> Iterator[Task]:
        """Tasks to stray to."""
        return _drawn(draw, DETOURS)

    @property
    def fingerprint(self) -> str:
        """Eight hex digits of all that it says and of the texts that it learns from."""
        said: list[object] = [astuple(replace(self, mix=())), [(p.family, p.highest, p.weight) for p in self.mix]]
        draw = Random(0)
        tasks = self.tasks(draw)
        said.append(drill(draw))
        said += [(task, self.thought(task, draw)) for task in islice(tasks, 100)]
        return hashlib.blake2b(repr(said).encode(), digest_size=4).hexdigest()


def _drawn(draw: Random, mix: tuple[Part, ...]) -> Iterator[Task]:
    weights = [part.weight for part in mix]
    while True:
        part = draw.choices(mix, weights)[0]
        task = part.make(draw, draw.randint(1, part.highest))
        if not held_out(task.content):
            yield task


LEARNT = (Part(chain, 5, 5), Part(bracket, 2, 1.5), Part(equation, 2, 1.5), Part(story, 3, 2))
HARDER = (Part(chain, 8, 5), Part(bracket, 4, 3), Part(equation, 3, 2), Part(story, 4, 2))
RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("tiny", "Solves sums of up to five operations, and thinks in a straight line.", LEARNT),
        Recipe("tiny-backtrack", "The same, and has seen thoughts that stray and come back.", LEARNT, strays=0.15),
        Recipe(
            "tiny-guide", "Stronger: it solves sums of up to eight operations, with brackets, and longer equations.",
            HARDER, pattern=WIDE, vocabulary=512, width=160, layers=5, heads=5, steps=2500,
        ),
        Recipe(
            "tiny-calc", "Very small: it finishes arithmetic that others began.",
            LEARNT, pattern=APART, vocabulary=320, width=96, layers=3, heads=3, drills=0.7, steps=4000,
        ),
    )
}  # fmt: skip
