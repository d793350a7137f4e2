"""SGLang's native /generate: ids in, ids out; every event counts the tokens so far and those from its cache.

An event holds all ids so far, or those since the last one (`--incremental-streaming-output`, and some versions
without it): its count says which.
"""

from collections.abc import Mapping
from typing import Any

from relay.engine.http.faults import Fault
from relay.engine.http.wire import SEED_BITS, Call, Piece, count_off, entry, ids_in
from relay.seam.tokens import Tokenizer

NEVER = -1e9  # added to a logit: SGLang adds what it is told, in float32
EVERY = 16


class Sglang:
    """The format, for one model."""

    name = "sglang"
    path = "//generate"

    def __init__(self, tokenizer: Tokenizer, *, seeds: bool = True) -> None:
        """`seeds`: whether this server knows `sampling_seed`."""
        self._tokenizer = tokenizer
        self._seeds = seeds

    def body(self, call: Call) -> dict[str, Any]:
        """The request."""
        sampling: dict[str, Any] = {
            "max_new_tokens": call.tokens,
            "temperature": call.sampling.temperature,
            "top_p": call.sampling.top_p,
            "top_k": -1,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "skip_special_tokens": False,
            "spaces_between_special_tokens": False,
            "no_stop_trim": True,
            "stop_token_ids": sorted(self._tokenizer.eos),
        }
        if self._seeds:
            sampling["sampling_seed"] = call.seed % (1 << SEED_BITS)
        if call.banned:
            sampling["logit_bias"] = {str(i): NEVER for i in sorted(call.banned)}
        if call.texts:
            sampling["stop"] = list(call.texts)
        if not call.often:
            sampling["stream_interval"] = EVERY
        return {"input_ids": list(call.prompt), "sampling_params": sampling, "stream": True}

    def reading(self, call: Call) -> "SglangReading":
        """What reads the answer."""
        return SglangReading(call, self._tokenizer.size)


class SglangReading:
    """Reads one answer."""

    def __init__(self, call: Call, size: int) -> None:
        self._call = call
        self._size = size
        self._ids = 0

    def read(self, event: Mapping[str, Any]) -> Piece:
        """What this event says."""
        if event.get("error"):
            error = event["error"]
            words = error.get("message") if isinstance(error, dict) else error
            raise Fault("500", f"it broke off: {' '.join(str(words).split())[:300]}")
        meta = entry(event, "meta_info", dict)
        sent = ids_in(event, "output_ids")
        if meta is None or sent is None:
            raise Fault("no ids", "it sends no output_ids or no meta_info", again=False)
        count = entry(meta, "completion_tokens", int)
        if count is None:
            raise Fault("bad JSON", "it does not count its tokens")
        new = self._new(sent, count)
        self._ids += len(new)
        if new and max(new) >= self._size:
            raise Fault("wrong token count", f"it sends the id {max(new)}, and there are {self._size}")
        prompt = entry(meta, "prompt_tokens", int)
        if prompt is not None and prompt != len(self._call.prompt):
            raise count_off("the prompt", prompt, len(self._call.prompt))
        return Piece(new, _ended(meta), prompt, entry(meta, "cached_tokens", int))

    def _new(self, sent: tuple[int, ...], count: int) -> tuple[int, ...]:
        if len(sent) == count:
            return sent[self._ids :]
        if self._ids + len(sent) == count:
            return sent
        raise count_off("its answer", count, self._ids + len(sent))


def _ended(meta: Mapping[str, Any]) -> str:
    reason = entry(meta, "finish_reason", dict)
    if reason is None:
        return ""
    match reason.get("type"):
        case "stop":
            return "text" if isinstance(reason.get("matched"), str) else "turn"
        case "length":
            return "tokens"
        case other:
            words = " ".join(str(reason.get("message") or other).split())[:200]
            raise Fault("broke off", f"it ended the call: {words}")
