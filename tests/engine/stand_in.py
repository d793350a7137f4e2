"""A server that stands in for vLLM, SGLang and llama.cpp: it speaks their formats to the letter, and can hurt.

Its model draws from a hash: greedy ids follow from all ids before them, drawn ones from the seed and their number.
The formats are those of vLLM 0.32 (read off its sources and off a running server) and of SGLang's documentation.
"""

import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from email.utils import formatdate
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from relay.engine.scripted import SHIPPED, TEMPLATE, shipped
from relay.seam.tokens import Tokenizer

FAULTS = (
    "429", "429 date", "500", "503", "reset", "reset midway", "cut", "clean cut", "half an event", "wrong count",
    "HTML page", "error event", "stall", "stall midway",
)  # fmt: skip
TEXT = "So we add the two numbers. 12 + 30 = 42, which is even! Is it? Yes: half of it is 21.\nThen we go on, wait. "


class Answer(NamedTuple):
    """What the model draws for one request."""

    ids: list[int]
    finish: str  # "stop", "length" or, where a text ended it, the text


class StandIn:
    """The server."""

    def __init__(self, api: str = "vllm", *, model: str = "stand/in", faults: tuple[str, ...] = ()) -> None:
        """`api`: vllm, sglang, sglang-incremental or text. `faults`: one a call, from the first on."""
        self.api = api
        self.model = model
        self.tokenizer: Tokenizer = shipped()
        self.faults = deque(faults)
        self.hurt: Counter[str] = Counter()
        self.calls: list[dict[str, Any]] = []
        self.heads: list[dict[str, str]] = []  # the headers of each request
        self.left = asyncio.Event()  # a caller has left before the end
        self.counts_cached = True
        self.ignores_bans = False
        self.refuses_seeds = False
        self.priorities = True
        self.mute = False  # it says no log-probabilities
        self.key = ""
        self.pause = 0.0  # seconds between two events
        self.adds = ""  # what its tokenizer puts before a text
        self.tokenize: list[int] | None = None  # what it says to any text, where it is another tokenizer
        self.base = ""
        self._words = sorted({i for i in self.tokenizer.encode(TEXT)})
        self._server: asyncio.Server | None = None

    @asynccontextmanager
    async def open(self, port: int = 0) -> AsyncIterator["StandIn"]:
        """Listening, on a port of its own."""
        await self.listen(port)
        try:
            yield self
        finally:
            await self.close()

    async def listen(self, port: int = 0) -> None:
        """Begin to listen."""
        self._writers: set[asyncio.StreamWriter] = set()
        self._dead = False
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}/v1"

    async def close(self) -> None:
        """Be gone: whoever is connected is cut off."""
        if self._server is not None:
            self._die()
            await self._server.wait_closed()
            self._server = None

    def _die(self) -> None:
        self._dead = True
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    # the model

    def draw(self, prompt: list[int], body: Mapping[str, Any]) -> Answer:
        """What it says to this prompt."""
        ids: list[int] = []
        banned = set() if self.ignores_bans else body["banned"]
        for n in range(body["most"]):
            seeded = [body["seed"], n] if body["temperature"] > 0 else [*prompt, *ids]
            number = int.from_bytes(blake2b(repr(seeded).encode(), digest_size=8).digest())
            end = min(self.tokenizer.eos)
            here = [i for i in self._words if i not in banned]
            ids.append(end if number % 23 == 0 and end not in banned else here[number % len(here)])
            if ids[-1] in body["ends"]:
                return Answer(ids, "stop")
            said = self.tokenizer.bytes_of(ids).decode(errors="replace")
            if text := next((text for text in body["texts"] if text in said), None):
                return Answer(ids, text)
        return Answer(ids, "length")

    # HTTP

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self._dead:  # let in before it was closed
            writer.transport.abort()
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._one(reader, writer):
                    pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        line = await reader.readline()
        if not line:
            return False
        method, path, _ = line.decode().split()
        heads: dict[str, str] = {}
        while (line := await reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            heads[name.lower()] = value.strip()
        body = json.loads(await reader.readexactly(int(heads.get("content-length", 0))) or b"{}")
        self.heads.append(heads)
        if self.key and heads.get("authorization") != f"Bearer {self.key}":
            said = {"error": {"message": f"no such key: {heads.get('authorization')}", "code": 401}}
            return await self._say(writer, 401, said)
        generates = "/generate" if self.api.startswith("sglang") else "/v1/completions"
        if method == "POST" and path == generates:
            return await self._complete(body, reader, writer)
        return await self._say(writer, *self._told(method, path, body))

    def _told(self, method: str, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:  # noqa: PLR0911  one a path
        """What it says to small questions."""
        match method, path:
            case "GET", "/v1/models":
                card = {"id": self.model, "object": "model", "owned_by": self.api}
                return 200, {"object": "list", "data": [card if self.api == "text" else {**card, "max_model_len": 900}]}
            case "GET", "/props" if self.api == "text":
                return 200, {"default_generation_settings": {"n_ctx": 700}}
            case "GET", "/version" if self.api == "vllm":
                return 200, {"version": "0.32.0"}
            case "GET", "/get_model_info" if self.api.startswith("sglang"):
                return 200, {"model_path": self.model, "is_generation": True}
            case "GET", "/get_server_info" if self.api.startswith("sglang"):
                return 200, {"version": "0.5.9"}
            case "POST", "/tokenize" if self.api != "text":
                tokens = self.tokenize or self.tokenizer.encode_template(body["prompt"])
                return 200, {"tokens": tokens, "count": len(tokens), "max_model_len": 900}
        return 404, {"detail": "Not Found"}

    async def _say(
        self, writer: asyncio.StreamWriter, status: int, said: Any, kind: str = "application/json", more: str = ""
    ) -> bool:
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(content)}\r\n{more}\r\n"
        writer.write(head.encode() + content)
        await writer.drain()
        return True

    # completions

    async def _complete(  # noqa: PLR0911  a fault a line
        self, body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        self.calls.append(body)
        fault = self.faults.popleft() if self.faults else ""
        self.hurt[fault] += bool(fault)
        match fault:
            case "429":
                return await self._say(writer, 429, {"error": {"message": "slow down"}}, more="retry-after: 0\r\n")
            case "429 date":
                return await self._say(writer, 429, {}, more=f"retry-after: {formatdate(usegmt=True)}\r\n")
            case "500":
                return await self._say(writer, 500, b"Internal Server Error", "text/plain")
            case "refused":
                return await self._say(writer, 400, {"error": {"message": "not this one", "code": 400}})
            case "503":
                return await self._say(writer, 503, b"<html><body>no upstream</body></html>", "text/html")
            case "HTML page":
                return await self._say(writer, 200, b"<!DOCTYPE html><html>Log in</html>", "text/html")
            case "die":  # for good
                self._die()
                return False
            case "reset":
                writer.transport.abort()
                return False
            case "stall":
                await reader.read()  # until the caller has left
                return False
        if body.get("prompt_logprobs") is not None:
            return await self._say(writer, *self._scored(body, wrong=fault == "wrong count"))
        try:
            asked = self._asked(body)
        except (KeyError, TypeError, ValueError) as error:
            return await self._say(writer, 400, {"error": {"message": f"bad request: {error!r}", "code": 400}})
        if isinstance(asked, str):
            return await self._say(writer, 400, {"error": {"message": asked, "code": 400}})
        return await self._stream(asked, fault, reader, writer)

    @staticmethod
    def logprob(before: list[int], i: int) -> float:
        """How probable its model holds an id for; some for impossible."""
        return -9999.0 if i == 3 else -((i % 7) + len(before) / 1024)

    def _scored(self, body: Mapping[str, Any], *, wrong: bool) -> tuple[int, Any]:
        """What it says to a request that scores, as vLLM 0.32 does."""
        if self.api != "vllm" or body.get("stream") or body["max_tokens"] < 1:
            return 400, {"error": {"message": "`prompt_logprobs` are not available when `stream=True`.", "code": 400}}
        prompt = body["prompt"]
        rows: list[Any] = [None]
        for n, i in enumerate(prompt[1:], 1):
            value = self.logprob(prompt[:n], i)
            rows.append({str(i): {"logprob": value, "rank": 3, "decoded_token": self.tokenizer.text_of([i])}})
        choice = {"index": 0, "text": "x", "logprobs": None, "finish_reason": "length", "prompt_logprobs": rows}
        if self.mute:
            choice["prompt_logprobs"] = None
        usage = {"prompt_tokens": len(prompt) + wrong, "completion_tokens": 1, "total_tokens": len(prompt) + 1 + wrong}
        return 200, {"id": "cmpl-x", "model": self.model, "choices": [choice], "usage": usage}

    def _asked(self, body: dict[str, Any]) -> dict[str, Any] | str:  # noqa: PLR0911  a refusal a line
        """The request in one form, as strictly read as its server reads it; or why it is refused."""
        if self.api.startswith("sglang"):
            known = {
                "max_new_tokens", "stop", "stop_token_ids", "temperature", "top_p", "top_k", "min_p", "logit_bias",
                "repetition_penalty", "skip_special_tokens", "spaces_between_special_tokens", "no_stop_trim",
                "stream_interval", *(() if self.refuses_seeds else ("sampling_seed",)),
            }  # fmt: skip
            sampling = body["sampling_params"]
            if strange := sampling.keys() - known:
                return f"Unexpected keyword argument {strange}"
            return {
                "prompt": body["input_ids"], "most": sampling["max_new_tokens"], "seed": sampling.get("sampling_seed"),
                "temperature": sampling["temperature"], "texts": sampling.get("stop", []),
                "ends": {*sampling["stop_token_ids"], *self.tokenizer.eos},
                "banned": {int(i) for i, bias in sampling.get("logit_bias", {}).items() if bias <= -1e8},
            }  # fmt: skip
        if body["model"] != self.model:
            return f"The model `{body['model']}` does not exist."
        prompt = body["prompt"]
        if self.api == "vllm":
            if not body.get("return_token_ids") or body.get("skip_special_tokens", True):
                return "relay wants ids, all of them"
            if body.get("priority") and not self.priorities:
                return "Got priority 1 but Priority scheduling is not enabled."
            spelled = {i for word in body.get("bad_words", []) for i in self.tokenizer.encode_template(word)}
            banned = spelled | {int(i) for i, bias in body.get("logit_bias", {}).items() if bias <= -100}
        else:
            banned = set()
            if not isinstance(prompt, str):
                return "prompt must be a string"
            prompt = self.tokenizer.encode_template(self.adds + prompt)
        return {
            "prompt": prompt, "most": body["max_tokens"], "seed": body["seed"], "temperature": body["temperature"],
            "texts": body.get("stop", []), "ends": {*body.get("stop_token_ids", []), *self.tokenizer.eos},
            "banned": banned,
        }  # fmt: skip

    async def _stream(
        self, asked: dict[str, Any], fault: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """The answer, event by event, in chunks that need not be events."""
        events = [f"data: {json.dumps(e)}\n\n".encode() for e in self._events(asked, wrong=fault == "wrong count")]
        events.append(b"data: [DONE]\n\n")
        midway = max(1, len(events) // 3)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        leaving = asyncio.create_task(reader.read(1))
        try:
            for n, event in enumerate(events):
                if n == midway and fault in ("cut", "clean cut", "reset midway", "half an event", "error event"):
                    if fault == "half an event":
                        _chunk(writer, event[: len(event) // 2])
                    if fault == "error event":
                        _chunk(writer, b'data: {"error": {"message": "EngineCore died", "code": 500}}\n\n')
                    if fault == "reset midway":
                        writer.transport.abort()
                    if fault in ("clean cut", "half an event", "error event"):
                        writer.write(b"0\r\n\r\n")
                    await writer.drain()
                    return False
                if n == midway and fault == "stall midway":
                    await leaving
                    return False
                half = len(event) // 2  # no chunk is an event
                _chunk(writer, event[:half])
                _chunk(writer, event[half:])
                await writer.drain()
                if self.pause:
                    await asyncio.wait([leaving], timeout=self.pause)
                if leaving.done():
                    self.left.set()
                    return False
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        finally:
            leaving.cancel()
        return False  # the connection ends here: what a next request brought may have been read

    def _events(self, asked: dict[str, Any], *, wrong: bool) -> Iterator[dict[str, Any]]:
        answer = self.draw(asked["prompt"], asked)
        say = self._sglang if self.api.startswith("sglang") else self._completion
        yield from say(asked["prompt"], answer, wrong)

    def _sglang(self, prompt: list[int], answer: Answer, wrong: bool) -> Iterator[dict[str, Any]]:
        for n in range(1, len(answer.ids) + 1):
            last = n == len(answer.ids)
            reason: dict[str, Any] | None = None
            if last and answer.finish == "length":
                reason = {"type": "length", "length": n}
            elif last:
                reason = {"type": "stop", "matched": answer.ids[-1] if answer.finish == "stop" else answer.finish}
            ids = answer.ids[n - 1 : n] if self.api == "sglang-incremental" else answer.ids[:n]
            meta = {
                "id": "x", "finish_reason": reason, "prompt_tokens": len(prompt), "cached_tokens": len(prompt) // 2,
                "completion_tokens": n + (wrong and n > 2),
            }  # fmt: skip
            yield {"text": self.tokenizer.text_of(answer.ids[:n]), "output_ids": ids, "meta_info": meta}

    def _completion(self, prompt: list[int], answer: Answer, wrong: bool) -> Iterator[dict[str, Any]]:
        head = {"id": "cmpl-x", "object": "text_completion", "created": 1, "model": self.model}
        text = ""
        for n, i in enumerate(answer.ids, 1):
            last = n == len(answer.ids)
            whole = self.tokenizer.text_of(answer.ids[: n - (last and answer.finish == "stop")])
            choice: dict[str, Any] = {"index": 0, "text": whole[len(text) :], "finish_reason": None}
            text = whole
            if last:
                choice["finish_reason"] = "length" if answer.finish == "length" else "stop"
            if self.api == "vllm":
                choice |= {"logprobs": None, "stop_reason": None, "token_ids": [i]}
                if last and answer.finish not in ("stop", "length"):
                    choice["stop_reason"] = answer.finish
                if n == 1:
                    choice["prompt_token_ids"] = prompt
                counts = {"prompt_tokens": len(prompt), "completion_tokens": n + (wrong and n > 2)}
                yield {**head, "choices": [choice], "usage": {**counts, "total_tokens": sum(counts.values())}}
            else:
                yield {**head, "choices": [choice]}
        usage: dict[str, Any] = {"prompt_tokens": len(prompt), "completion_tokens": len(answer.ids) + wrong}
        if self.counts_cached and self.api == "vllm":
            usage["prompt_tokens_details"] = {"cached_tokens": len(prompt) // 2}
        yield {**head, "choices": [], "usage": usage}


def _chunk(writer: asyncio.StreamWriter, content: bytes) -> None:
    if content:
        writer.write(b"%x\r\n%b\r\n" % (len(content), content))


def words_in(folder: Path) -> str:
    """Puts the stand-in's tokenizer into this folder, as a model has it; its name."""
    (folder / "tokenizer.json").write_bytes(SHIPPED.read_bytes())
    settings = {"eos_token": "<|end|>", "bos_token": None, "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return str(folder)
