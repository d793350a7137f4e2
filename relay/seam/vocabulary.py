"""What a tokenizer.json says of its vocabulary: what ids mean, in bytes, and how text is read as nothing but text."""

import hashlib
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import tokenizers


def is_markup(token: Mapping[str, Any]) -> bool:
    """Whether an added token is a tag. Runs of white space are added tokens in some vocabularies; they are text."""
    return bool(token["content"].replace("▁", " ").strip())


def fingerprint_of(spec: Mapping[str, Any]) -> str:
    """What ids mean. How a text is split (the pre-tokenizer) and what is put around it do not matter to that."""
    model = spec["model"]
    added = [(t["id"], t["content"]) for t in spec["added_tokens"]]
    content = [model.get("type"), model.get("vocab"), model.get("merges"), spec.get("normalizer"), added]
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=8).hexdigest()


def base_of(spec: Mapping[str, Any], table: Sequence[bytes], added: Container[int]) -> str:
    """What the ids of ordinary text mean, and how text becomes these."""
    model = spec["model"]
    tokens = [[i, data.hex()] for i, data in enumerate(table) if data and i not in added]
    content = [model.get("type"), model.get("merges"), tokens]
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=8).hexdigest()


def as_text(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The same vocabulary for text in mid-text: no tag is special, no space put before, no character rewritten."""
    added = [{**t, "special": is_markup(t)} for t in spec["added_tokens"]]
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


def normalizer_of(spec: Mapping[str, Any]) -> str:
    """What is left of the normalizer for text in mid-text, as JSON."""
    return json.dumps(_steps(_without(spec.get("normalizer"))))


def _steps(part: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The steps of a normalizer, however it nests them."""
    if part is None:
        return []
    return [step for inner in part["normalizers"] for step in _steps(inner)] if "normalizers" in part else [part]


def table_of(tok: tokenizers.Tokenizer, spec: Mapping[str, Any]) -> list[bytes]:
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
        run = spaced and not is_markup(added)  # of spaces, as in Gemma
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
