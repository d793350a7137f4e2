"""vLLM's /v1/completions: ids in and, with `return_token_ids`, ids out."""

from collections.abc import Mapping
from typing import Any

from relay.engine.http.faults import Fault
from relay.engine.http.wire import Call, Piece, choice_in, count_off, entry, ids_in, usage_in
from relay.seam.tokens import Tokenizer

EVERY = 16  # tokens an event where nobody waits for each: relay then reads fewer events


class Vllm:
    """The format, for one model."""

    name = "vllm"
    path = "/completions"

    def __init__(self, model: str, tokenizer: Tokenizer, *, priorities: bool = False) -> None:
        """`priorities`: whether this server takes them."""
        self._model = model
        self._priorities = priorities
        self._tokenizer = tokenizer
        self._words: dict[int, str | None] = {}

    def body(self, call: Call) -> dict[str, Any]:
        """The request.

        A banned tag is a bad word, which cannot be drawn; a bias of vLLM's goes no lower than -100.
        """
        words = {i: self._word(i) for i in sorted(call.banned)}
        body: dict[str, Any] = {
            "model": self._model,
            "prompt": list(call.prompt),
            "max_tokens": call.tokens,
            "temperature": call.sampling.temperature,
            "top_p": call.sampling.top_p,
            "top_k": 0,  # what a model's generation_config.json says of these would hold otherwise
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "seed": call.seed,
            "stream": True,
            "stream_options": {"include_usage": True, "continuous_usage_stats": True},
            "return_token_ids": True,
            "skip_special_tokens": False,
            "spaces_between_special_tokens": False,
            "stop_token_ids": sorted(self._tokenizer.eos),
            "ignore_eos": True,  # what ends a turn is said above: neither more nor less
        }
        if bad := [word for word in words.values() if word is not None]:
            body["bad_words"] = bad
        if biased := {str(i): -100.0 for i, word in words.items() if word is None}:
            body["logit_bias"] = biased
        if self._priorities:
            body["priority"] = call.priority
        if call.texts:
            body["stop"] = list(call.texts)
            body["include_stop_str_in_output"] = True
        if not call.often:
            body["stream_interval"] = EVERY
        return body

    def reading(self, call: Call) -> "VllmReading":
        """What reads the answer."""
        return VllmReading(call, self._tokenizer.size)

    def _word(self, i: int) -> str | None:
        """The tag that is read as this id; None where it is no tag."""
        if i not in self._words:
            tags = {number: tag for tag, number in self._tokenizer.special.items()}
            tag = tags.get(i, "")  # of a plain word vLLM bans the one behind a space too
            self._words[i] = tag if tag and self._tokenizer.encode_template(tag) == [i] else None
        return self._words[i]


class VllmReading:
    """Reads one answer. Its counts are checked event by event, before an id is believed."""

    def __init__(self, call: Call, size: int) -> None:
        self._call = call
        self._size = size
        self._ids = 0

    def read(self, event: Mapping[str, Any]) -> Piece:
        """What this event says."""
        choice, usage = choice_in(event), usage_in(event)
        ids: tuple[int, ...] = ()
        ended = ""
        if choice is not None:
            found = ids_in(choice, "token_ids")
            if found is None:
                raise Fault("no ids", "it sends no token ids", again=False)
            ids = found
            ended = _ended(choice)
        if ids and max(ids) >= self._size:
            raise Fault("wrong token count", f"it sends the id {max(ids)}, and there are {self._size}")
        self._ids += len(ids)
        if usage.completion is not None and usage.completion != self._ids:
            raise count_off("its answer", usage.completion, self._ids)
        if usage.prompt is not None and usage.prompt != len(self._call.prompt):
            raise count_off("the prompt", usage.prompt, len(self._call.prompt))
        return Piece(ids, ended, usage.prompt, usage.cached)


def _ended(choice: Mapping[str, Any]) -> str:
    reason = entry(choice, "finish_reason", str)
    if reason == "stop":
        return "text" if isinstance(choice.get("stop_reason"), str) else "turn"
    if reason == "length":
        return "tokens"
    if reason is not None:
        raise Fault("broke off", f"it ended with {reason!r}"[:80])
    return ""
