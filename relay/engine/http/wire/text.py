"""Plain completions, text in and text out, where a server knows no ids: llama.cpp, clouds. The ids are ours.

What comes back is encoded word by word, each with the white space before it, so that its ids do not depend on the
pieces in which it came.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from relay.engine.http.faults import Fault
from relay.engine.http.wire import SEED_BITS, Call, Piece, choice_in, entry, usage_in
from relay.seam.tokens import CLOSE, OPEN, Tokenizer

WORD = re.compile(r"\s*\S+(?=\s)")
LONG = 64  # characters: of a longer word its beginning is encoded by itself


class Text:
    """The format, for one model."""

    name = "text"
    path = "/completions"

    def __init__(
        self, model: str, tokenizer: Tokenizer, *, adds: str = "", context: int = 1 << 30, tags: bool = True
    ) -> None:
        """`adds` is what the server puts before every prompt by itself, as text; `tags`: whether it may be asked not to
        leave out tags such as </think>.
        """
        self._model = model
        self._tokenizer = tokenizer
        self._adds = adds
        self._context = context
        self._tags = tags

    def body(self, call: Call) -> dict[str, Any]:
        """The request. It asks for more tokens than relay keeps: the server's are not ours, and the cut decides."""
        prompt = self._tokenizer.bytes_of(call.prompt).decode(errors="replace").removeprefix(self._adds)
        body: dict[str, Any] = {
            "model": self._model,
            "prompt": prompt,
            "max_tokens": max(1, min(2 * call.tokens + 16, self._context - len(call.prompt))),
            "temperature": call.sampling.temperature,
            "top_p": call.sampling.top_p,
            "seed": call.seed % (1 << SEED_BITS),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._tags:
            body["skip_special_tokens"] = False  # vLLM leaves them out by default
        return body

    def reading(self, call: Call) -> "TextReading":
        """What reads the answer."""
        return TextReading(self._tokenizer)


class TextReading:
    """Reads one answer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._held = ""  # what may yet become another word
        tags = sorted({OPEN, CLOSE} & tokenizer.special.keys() | _ends(tokenizer), key=len, reverse=True)
        self._tags = re.compile("|".join(map(re.escape, tags)) or "(?!)")
        self._margin = max(map(len, tags), default=0)

    def read(self, event: Mapping[str, Any]) -> Piece:
        """What this event says."""
        choice, usage = choice_in(event), usage_in(event)
        ids: list[int] = []
        ended = ""
        if choice is not None:
            text = entry(choice, "text", str)
            if text is None:
                raise Fault("bad JSON", "a choice without text")
            self._held += text
            ended = _ended(choice)
            for word in self._words(last=bool(ended)):
                ids += self._encoded(word)
        return Piece(tuple(ids), ended, usage.prompt, usage.cached)

    def _words(self, *, last: bool) -> Iterator[str]:
        while self._held:
            end = self._word_s_end()
            if not end:
                if not last:
                    return
                end = len(self._held)
            yield self._held[:end]
            self._held = self._held[end:]

    def _word_s_end(self) -> int:
        """Where the first word that is whole ends; 0: none is."""
        if found := WORD.match(self._held):
            if found.end() <= LONG:
                return found.end()
        elif len(self._held) < LONG + self._margin:
            return 0
        for tag in self._tags.finditer(self._held):
            if tag.start() < LONG < tag.end():
                return tag.start() or tag.end()
        return LONG

    def _encoded(self, word: str) -> list[int]:
        """The ids of a word; tags that models write as one id are read as that id."""
        ids: list[int] = []
        at = 0
        for tag in self._tags.finditer(word):
            ids += self._tokenizer.encode(word[at : tag.start()])
            ids.append(self._tokenizer.special[tag[0]])
            at = tag.end()
        return ids + self._tokenizer.encode(word[at:])


def _ends(tokenizer: Tokenizer) -> set[str]:
    return {text for text, i in tokenizer.special.items() if i in tokenizer.eos}


def _ended(choice: Mapping[str, Any]) -> str:
    reason = entry(choice, "finish_reason", str)
    return {None: "", "length": "tokens"}.get(reason, "turn")
