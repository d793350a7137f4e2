"""Text to ids and back, exactly: a tokenizer of the rust library, with the bytes of every id in a table."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from typing import NamedTuple

import tokenizers

from relay.errors import Mistake, SeamError, UserError
from relay.seam.vocabulary import as_text, base_of, fingerprint_of, is_markup, normalizer_of, table_of

OPEN, CLOSE = "<think>", "</think>"  # how models spell the ends of their thinking
SENTINEL = "a"  # stands for the text that will follow, so that a text's last id is what it is in mid-text


class Think(NamedTuple):
    """The ids that open and close the thinking."""

    open: int
    close: int


class Tokenizer:
    """One vocabulary, with the two ways to read a text: as text (`encode`) and as template (`encode_template`)."""

    fingerprint: str  # 16 hex digits of what makes its ids mean what they mean
    base: str  # 16 hex digits of the vocabulary without its added tokens: what an id of ordinary text means
    normalizer: str  # what is left of its normalizer for a text in mid-text, as JSON; "[]" where nothing is rewritten
    added: Mapping[str, int]  # added tokens, as the file writes them
    special: Mapping[str, int]  # of these, those that are no white space: tags, which no text is read as
    eos: frozenset[int]  # ids that end a turn
    think: Think | None  # None: a model without thinking, or one that spells its tags in several ids
    size: int  # ids run from 0 to size - 1
    opening: tuple[int, ...]  # what the tokenizer itself puts before a text: a beginning-of-text id, or nothing
    lossy: int  # texts so far that these ids cannot spell exactly

    def __init__(self, tok: tokenizers.Tokenizer, eos: Iterable[str | int] = ()) -> None:
        spec = json.loads(tok.to_str())
        spec.update(truncation=None, padding=None)
        self.fingerprint = fingerprint_of(spec)
        self._template = tokenizers.Tokenizer.from_str(json.dumps(spec))
        self.added = {t["content"]: t["id"] for t in spec["added_tokens"]}
        self.special = {t["content"]: t["id"] for t in spec["added_tokens"] if is_markup(t)}
        self._table = table_of(self._template, spec)
        self.size = len(self._table)
        self.base = base_of(spec, self._table, set(self.added.values()))
        self.normalizer = normalizer_of(spec)
        self.eos = frozenset(self._id(e) for e in eos)
        tags = self.special.get(OPEN), self.special.get(CLOSE)
        self.think = None if tags[0] is None or tags[1] is None else Think(tags[0], tags[1])
        self.opening = tuple(self._template.encode("").ids)
        self._text = tokenizers.Tokenizer.from_str(json.dumps(as_text(spec)))
        self._text.encode_special_tokens = True
        self._reserved = frozenset(self.special.values())
        self._holding: dict[bytes, frozenset[int]] = {}
        self.lossy = 0

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], eos: Iterable[str | int] = ()) -> "Tokenizer":
        """The tokenizer in this tokenizer.json; `eos` names the ids that end a turn, by text or number."""
        try:
            return cls(tokenizers.Tokenizer.from_file(os.fspath(path)), eos)
        except UserError:
            raise
        except Exception as e:  # the library raises bare Exceptions
            raise UserError(Mistake(os.fspath(path), f"no tokenizer.json that can be read ({e})")) from e

    @classmethod
    def from_rust(cls, tok: tokenizers.Tokenizer, eos: Iterable[str | int] = ()) -> "Tokenizer":
        """An own copy of this tokenizer, which stays as it is."""
        return cls(tok, eos)

    def ending(self, eos: Iterable[str | int]) -> "Tokenizer":
        """The same with other ids that end a turn, made in no time."""
        other = copy(self)
        other.eos = frozenset(self._id(e) for e in eos)
        other._holding = {}
        return other

    def encode(self, text: str) -> list[int]:
        """The ids of a text that stands among other text: tags are ordinary text here, and more text will follow.

        Exact, or counted in `lossy` where this vocabulary cannot spell the text.
        """
        ids = self._exactly(text)
        if ids is None:
            self.lossy += 1
            return self._nearly(text)
        return ids

    def spells(self, text: str) -> bool:
        """Whether this vocabulary has ids for this text."""
        return self._exactly(text) is not None

    @property
    def json(self) -> str:
        """A tokenizer.json that makes it again; the ids that end a turn are not in it."""
        said: str = self._template.to_str()
        return said

    def encode_template(self, text: str) -> list[int]:
        """The ids of a template's text: special tokens are parsed, nothing is added."""
        ids: list[int] = self._template.encode(text, add_special_tokens=False).ids
        return ids

    def bytes_of(self, ids: Iterable[int]) -> bytes:
        """The bytes that these ids stand for; a special token stands for its text."""
        table = self._table
        try:
            return b"".join([table[i] for i in ids])
        except IndexError:
            raise SeamError(f"an id beyond this tokenizer's {self.size}: {max(ids)}") from None

    def text_of(self, ids: Iterable[int]) -> str:
        """The text of these ids, less an unfinished character at its end. Raises SeamError where they are no text."""
        data = self.bytes_of(ids)
        try:
            return data.decode()
        except UnicodeDecodeError as e:
            if not unfinished(e):
                raise SeamError(f"these ids are no text: {e}") from e
            return data[: e.start].decode()

    def lengths(self, ids: Iterable[int]) -> list[int]:
        """How many bytes each of these ids stands for."""
        table = self._table
        return [len(table[i]) for i in ids]

    def holding(self, marks: bytes) -> frozenset[int]:
        """The ids whose bytes hold one of these bytes, and those that end a turn. Remembered."""
        found = self._holding.get(marks)
        if found is None:
            some = set(marks)
            found = self.eos.union(i for i, data in enumerate(self._table) if not some.isdisjoint(data))
            self._holding[marks] = found
        return found

    def _exactly(self, text: str) -> list[int] | None:
        """The ids that spell this text; None where there are none."""
        if not text:
            return []
        want = _utf8(text)
        ids = self._plain(text + SENTINEL)
        if ids and self._table[ids.pop()] == SENTINEL.encode() and self._spells(ids, want):
            return ids
        return next((ids for ids in self._other_ways(text) if self._spells(ids, want)), None)

    def _spells(self, ids: Sequence[int], want: bytes) -> bool:
        return self.bytes_of(ids) == want and self._reserved.isdisjoint(ids)

    def _other_ways(self, text: str) -> Iterator[list[int]]:
        yield self._plain(text)
        yield [i for c in text for i in self._plain(c)]

    def _nearly(self, text: str) -> list[int]:
        """The text without the characters that this vocabulary lacks: some have no byte for the rarest of them."""
        known = "".join(c for c in text if self._spells(self._plain(c), c.encode()))
        ids = self._plain(known)
        if known and self._spells(ids, known.encode()):
            return ids
        return [i for i in self._plain(text) if i not in self._reserved]

    def _plain(self, text: str) -> list[int]:
        ids: list[int] = self._text.encode(text, add_special_tokens=False).ids
        return ids

    def _id(self, token: str | int) -> int:
        found = token if isinstance(token, int) else self._template.token_to_id(token)
        if found is None or not 0 <= found < self.size:
            raise UserError(f"{token!r} is no token of this tokenizer")
        return found


def unfinished(error: UnicodeDecodeError) -> bool:
    """True when the bytes end inside a character and are text up to there."""
    return error.reason == "unexpected end of data"


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as e:
        raise SeamError(f"half a character, which no model can read, at {e.start} of {text[:40]!r}") from e
