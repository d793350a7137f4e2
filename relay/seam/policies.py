"""How a reader is given what an author wrote: decided once for each pair of tokenizers, when a run's models are open.

- "ids": the same tokenizer. The recorded ids pass unchanged.
- "ids with map": the same base vocabulary, merges and normalizer, and other added tokens, as in two trainings of one
  base model. Ids pass; those of added tokens go by their text, for one number may mean two things. What the reader has
  no id for, or what would end its turn, is spelled in ordinary ids, as its text would be.
- "text": any other pair. The reader encodes the text; a closing of the thinking is one there and one here.
- "unsafe": it would have to be text, and the reader lacks ids for letters, digits or signs that the author writes. It
  would be given another text than was written, so such a pair is refused.

Nothing else is unsafe. An added token that only the author has comes as text, which loses no character. Tags of
thinking that are ids for one and text for the other: the author's id is spelled for a reader that has none; a reader
that has one is given the text, in which its own id stands where the thinking was closed. Rare characters that a
vocabulary lacks are no reason to refuse: they are left out, and counted. The template plays no part: each reader's
head is its own template in its own ids, and what others wrote comes after it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import printable
from typing import Literal, NamedTuple

from relay.errors import Mistake, UserError
from relay.seam.tokens import Tokenizer

PLAIN = frozenset(printable) - frozenset("\t\r\v\f")  # what a text cannot do without


class Policy(NamedTuple):
    """How one reader is given one author's segments."""

    name: Literal["ids", "ids with map", "text", "unsafe"]
    why: str
    map: Mapping[int, tuple[int, ...] | None] = {}  # the author's ids that change; None: only its text can be read

    def read(self, ids: Sequence[int]) -> Sequence[int] | None:
        """The author's ids as the reader's; None where the text must be read instead."""
        if self.name not in ("ids", "ids with map"):
            return None
        changed = self.map
        if changed.keys().isdisjoint(ids):
            return ids
        read: list[int] = []
        for i in ids:
            here = changed.get(i, (i,))
            if here is None:
                return None
            read += here
        return read


def policy(author: Tokenizer, reader: Tokenizer) -> Policy:
    """How this reader is given what this author wrote."""
    if author.fingerprint == reader.fingerprint:
        return Policy("ids", "the same tokenizer")
    why = _apart(author, reader)
    if not why:
        found = dict(_changed(author, reader))
        return Policy("ids with map", f"the same base vocabulary; {len(found)} ids of the author change", found)
    lacks = sorted(c for c in PLAIN & _characters(author) if not reader.spells(c))
    if lacks:
        shown = " ".join(map(repr, lacks[:5])) + (f" and {len(lacks) - 5} more" if len(lacks) > 5 else "")
        return Policy("unsafe", f"{why}, and the reader's cannot spell {shown}")
    return Policy("text", why)


def policies(tokenizers: Mapping[str, Tokenizer], pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Policy]:
    """The policy of each pair (author, reader) of these models. Raises UserError for all that are unsafe."""
    found = {(a, r): policy(tokenizers[a], tokenizers[r]) for a, r in pairs}
    unsafe = [(a, r, p.why) for (a, r), p in found.items() if p.name == "unsafe"]
    if unsafe:
        raise UserError.of(
            Mistake(
                f"models {a!r} and {r!r}",
                f"{r!r} cannot read what {a!r} writes: {why}",
                f"give {r!r} a vocabulary that spells every text, or both the same",
            )
            for a, r, why in unsafe
        )
    return found


def _apart(author: Tokenizer, reader: Tokenizer) -> str:
    """Why ids cannot pass from one to the other; empty where they can."""
    if author.base != reader.base:
        return "another base vocabulary"
    if author.normalizer != reader.normalizer:
        return "the same base vocabulary with another normalizer"
    if author.think is None and reader.think is not None:
        return "the same base vocabulary, in which only the reader has ids for the tags of thinking"
    return ""


def _changed(author: Tokenizer, reader: Tokenizer) -> Iterator[tuple[int, tuple[int, ...] | None]]:
    """The author's ids that are not the reader's, each with what takes its place."""
    added = set(author.added.values())
    for i, length in enumerate(author.lengths(range(author.size))):
        if not length and i not in added:
            yield i, ()  # no token of the author's; it may be one of the reader's
    for token, i in author.added.items():
        there = reader.added.get(token)
        if there is None or there in reader.eos:
            text = author.text_of([i])
            yield i, tuple(reader.encode(text)) if reader.spells(text) else None
        elif there != i:
            yield i, (there,)


def _characters(tokenizer: Tokenizer) -> set[str]:
    """The characters that its ids are made of."""
    return set(tokenizer.bytes_of(range(tokenizer.size)).decode(errors="ignore"))
