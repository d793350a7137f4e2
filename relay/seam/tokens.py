"""Text to ids and back, exactly: a tokenizer of the rust library, with the bytes of every id in a table."""

import hashlib
import json
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import tokenizers

from relay.errors import SeamError, UserError

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
        self.fingerprint = _fingerprint(spec)
        self._template = tokenizers.Tokenizer.from_str(json.dumps(spec))
        self.added = {t["content"]: t["id"] for t in spec["added_tokens"]}
        self.special = {t["content"]: t["id"] for t in spec["added_tokens"] if _is_markup(t)}
        self._table = _table(self._template, spec)
        self.size = len(self._table)
        self.base = _base(spec, self._table, set(self.added.values()))
        self.normalizer = json.dumps(_steps(_without(spec.get("normalizer"))))
        self.eos = frozenset(self._id(e) for e in eos)
        tags = self.special.get(OPEN), self.special.get(CLOSE)
        self.think = None if tags[0] is None or tags[1] is None else Think(tags[0], tags[1])
        self.opening = tuple(self._template.encode("").ids)
        self._text = tokenizers.Tokenizer.from_str(json.dumps(_as_text(spec)))
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
            raise UserError(f"{path}: no tokenizer.json that can be read ({e})") from e

    @classmethod
    def from_rust(cls, tok: tokenizers.Tokenizer, eos: Iterable[str | int] = ()) -> "Tokenizer":
        """An own copy of this tokenizer, which stays as it is."""
        return cls(tok, eos)

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


def _is_markup(token: Mapping[str, Any]) -> bool:
    """Runs of white space are added tokens in some vocabularies; they are text."""
    return bool(token["content"].replace("▁", " ").strip())


def _fingerprint(spec: Mapping[str, Any]) -> str:
    """What ids mean. How a text is split (the pre-tokenizer) and what is put around it do not matter to that."""
    model = spec["model"]
    added = [(t["id"], t["content"]) for t in spec["added_tokens"]]
    content = [model.get("type"), model.get("vocab"), model.get("merges"), spec.get("normalizer"), added]
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=8).hexdigest()


def _base(spec: Mapping[str, Any], table: Sequence[bytes], added: Container[int]) -> str:
    """What the ids of ordinary text mean, and how text becomes these."""
    model = spec["model"]
    tokens = [[i, data.hex()] for i, data in enumerate(table) if data and i not in added]
    content = [model.get("type"), model.get("merges"), tokens]
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=8).hexdigest()


def _as_text(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The same vocabulary for text in mid-text: no tag is special, no space put before, no character rewritten."""
    added = [{**t, "special": _is_markup(t)} for t in spec["added_tokens"]]
    parts = {part: _without(spec.get(part)) for part in ("normalizer", "pre_tokenizer")}
    return {**spec, **parts, "added_tokens": added, "post_processor": None}


def _without(part: dict[str, Any] | None) -> dict[str, Any] | None:
    """A normalizer or pre-tokenizer without the steps that make ids spell another text than the one given."""
    if part is None or part["type"] in ("NFC", "Prepend"):
        return None
    part = dict(part)
    if part.get("add_prefix_space"):
        part["add_prefix_space"] = False
    if part["type"] == "Metaspace":
        part["prepend_scheme"] = "never"
    for key in ("normalizers", "pretokenizers"):
        if key in part:
            part[key] = [kept for step in part[key] if (kept := _without(step)) is not None]
    return part


def _steps(part: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The steps of a normalizer, however it nests them."""
    if part is None:
        return []
    return [step for inner in part["normalizers"] for step in _steps(inner)] if "normalizers" in part else [part]


def _table(tok: tokenizers.Tokenizer, spec: Mapping[str, Any]) -> list[bytes]:
    """The bytes of every id. Ids that no token has stand for nothing."""
    kinds = set(_kinds(spec.get("decoder"))) | set(_kinds(spec.get("pre_tokenizer")))
    spaced = "ByteLevel" not in kinds and bool(kinds & {"Metaspace", "ByteFallback"})
    vocab: dict[str, int] = tok.get_vocab(with_added_tokens=True)
    table = [b""] * (max(vocab.values()) + 1)
    for token, i in vocab.items():
        if "ByteLevel" in kinds:
            table[i] = _byte_level(token)
        elif spaced:
            table[i] = _metaspace(token)
        else:
            table[i] = tok.decode([i], skip_special_tokens=False).encode()
    for added in spec["added_tokens"]:
        run = spaced and not _is_markup(added)  # of spaces, as in Gemma
        table[added["id"]] = _metaspace(added["content"]) if run else added["content"].encode()
    return table


def _kinds(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        yield part.get("type", "")
        for inner in part.values():
            if isinstance(inner, list):
                for step in inner:
                    yield from _kinds(step)


def _alphabet() -> dict[str, int]:
    """The printable character that byte-level vocabularies write for each byte, as GPT-2 chose them."""
    shown = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = [b for b in range(256) if b not in shown]
    return {chr(b): b for b in shown} | {chr(256 + n): b for n, b in enumerate(hidden)}


_ALPHABET = _alphabet()


def _byte_level(token: str) -> bytes:
    try:
        return bytes([_ALPHABET[c] for c in token])
    except KeyError:
        return token.encode()


def _metaspace(token: str) -> bytes:
    if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
        return bytes([int(token[3:5], 16)])
    return token.replace("▁", " ").encode()
