"""What a model reads while it is trained: batches of conversations, each a function of the seed and its number."""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from relay.draws import generator
from relay.train.drills import drill
from relay.train.recipes import Recipe
from relay.train.thoughts import Piece, answered
from relay.train.words import ASSISTANT, CLOSE, END, OPEN, USER

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOGETHER = 8  # batches that are drawn at once and sorted by length: a batch holds little padding
HANDOFFS = (
    0.15  # share of the sentence ends where the text is cut and encoded anew, as where one writer follows another
)
IGNORED = -100  # the label of what is read, not learnt


class Lesson(NamedTuple):
    """A conversation in ids, and what of it is learnt."""

    ids: list[int]
    labels: list[int]


class Lessons(Sequence[list[Lesson]]):
    """The batches of a training, by number."""

    def __init__(self, recipe: Recipe, seed: int, tokenizer: "Tokenizer") -> None:
        self._recipe, self._seed, self._tokenizer = recipe, seed, tokenizer
        self._held: tuple[int, list[list[Lesson]]] = (-1, [])

    def __len__(self) -> int:
        """As many as the recipe has steps."""
        return self._recipe.steps

    def __getitem__(self, number: int) -> list[Lesson]:  # type: ignore[override]  # no slices
        """A batch, whatever was read before."""
        group, place = divmod(number, TOGETHER)
        if self._held[0] != group:
            self._held = (group, self._group(group))
        return self._held[1][place]

    def _group(self, group: int) -> list[list[Lesson]]:
        recipe, draw = self._recipe, generator(self._seed, recipe_purpose(self._recipe), group, "lessons")
        tasks = recipe.tasks(draw)
        lessons: list[Lesson] = []
        drills = round(recipe.drills * TOGETHER * recipe.batch)
        for _ in range(drills):
            lessons.append(lesson("", drill(draw), self._tokenizer, draw))
        for _ in range(TOGETHER * recipe.batch - drills):
            task = next(tasks)
            end = Piece(f"{CLOSE}{answered(task)}{END}")
            lessons.append(lesson(task.question, [*recipe.thought(task, draw), end], self._tokenizer, draw))
        lessons.sort(key=lambda lesson: len(lesson.ids))
        batches = [lessons[i : i + recipe.batch] for i in range(0, len(lessons), recipe.batch)]
        draw.shuffle(batches)
        return batches


def recipe_purpose(recipe: Recipe) -> str:
    """What names the draws of a recipe: those with one mix learn from the same tasks."""
    return f"{recipe.vocabulary} {recipe.width}"


def lesson(question: str, pieces: Sequence[Piece], tokenizer: "Tokenizer", draw: Random) -> Lesson:
    """A question and what is to be written, in ids; without a question that alone."""
    ids = tokenizer.encode(f"{USER}{question}{END}{ASSISTANT}{OPEN}").ids if question else []
    labels = [IGNORED] * len(ids)
    for stretch in _stretches(pieces, draw):
        learnt = [piece.learnt for piece in stretch for _ in piece.text]
        encoded = tokenizer.encode("".join(piece.text for piece in stretch))
        ids += encoded.ids
        labels += [i if learnt[begin] else IGNORED for i, (begin, _) in zip(encoded.ids, encoded.offsets, strict=True)]
    return Lesson(ids, labels)


def _stretches(pieces: Sequence[Piece], draw: Random) -> list[list[Piece]]:
    """Runs of pieces that are encoded together."""
    stretches: list[list[Piece]] = [[]]
    for piece in pieces:
        if stretches[-1] and draw.random() < HANDOFFS:
            stretches.append([])
        stretches[-1].append(piece)
    return stretches
