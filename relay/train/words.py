"""Tokenizers of the small models: byte-level BPE, lossless on every text, learnt from texts of the families."""

from collections.abc import Iterable
from random import Random
from typing import TYPE_CHECKING

from relay.train.recipes import Recipe
from relay.train.thoughts import answered, straying

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PAD, END, SYSTEM, USER, ASSISTANT, OPEN, CLOSE = SPECIAL = (
    "<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<think>", "</think>",
)  # fmt: skip
TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|><think>{% endif %}"
)
TEXTS = 20_000  # that a tokenizer learns from
STRAYS = 0.15  # share of their sentences with a detour, so that its words are words


def tokenizer_of(recipe: Recipe) -> "Tokenizer":
    """The tokenizer of a recipe: the same for every seed, and for all recipes of one mix, pattern and size."""
    draw = Random(f"{recipe.vocabulary} {recipe.pattern}")
    tasks = recipe.tasks(draw)
    texts = []
    for _ in range(TEXTS):
        task = next(tasks)
        thought = straying(task, draw, recipe.detours(draw), STRAYS)
        texts += [task.question, "".join(piece.text for piece in thought), answered(task)]
    return byte_level(texts, recipe.vocabulary, recipe.pattern)


def byte_level(texts: Iterable[str], size: int, pattern: str) -> "Tokenizer":
    """A tokenizer of so many ids that merges nothing across the pieces of this pattern."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
