"""`engine: http` of a scenario: the keys of such a model, and how it is opened."""

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from relay.engine import Words
from relay.engine.http.engine import Http, Served
from relay.engine.http.faults import Fault
from relay.engine.http.probing import Names, names_of, no_such_model, probe
from relay.engine.http.server import Server, is_here
from relay.engine.http.serving import HERE, Running, Wanted, serving, vllm_command
from relay.engine.http.words import words_of
from relay.engine.models import resolve
from relay.errors import Mistake, UserError
from relay.language.scenario import Model
from relay.language.shapes import Count, Frozen, OneOrMore, Says, Text, Whole, wrong

ENDS = ("/chat/completions", "/completions", "/generate")  # of addresses that people copy
UNKNOWN = 1 << 30  # tokens of a context of which no file says how long it is
NEEDS_EXTRA = "engine http needs the extra [http]: pip install 'relay-cot[http]'"


def _base(url: str) -> str:
    """The address without what is too much, with /v1 where it has no path."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  looked at: it may be no number
    except ValueError:
        raise wrong(f"{url!r} is no address", instead="write http://localhost:8000/v1") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise wrong(f"{url!r} is no address of a server", instead="write http://localhost:8000/v1")
    if parts.username or parts.password:
        raise wrong("an address with a name or password", instead="put the key into the environment, and say `key:`")
    if end := next((end for end in ENDS if parts.path.rstrip("/").endswith(end)), None):
        base = url.rstrip("/").removesuffix(end)
        raise wrong(f"{url!r} is where one call goes", instead=f"write the server's base: {base}")
    return url.rstrip("/") if parts.path.strip("/") else f"{url.rstrip('/')}/v1"


Url = Annotated[str, AfterValidator(_base)]
Variable = Annotated[
    Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")],
    Says("the name of an environment variable, which holds the key"),
]


class Throttle(Frozen):
    """At most so many calls begin within so many seconds."""

    requests: Count
    seconds: Annotated[float, Field(gt=0)] = 1.0


class HttpModel(Model):
    """A model that a server has: vLLM, SGLang, llama.cpp, a cloud."""

    says_logprobs: ClassVar[bool] = False

    engine: Literal["http"] = "http"
    model: Text  # its name at the server
    url: Url | None = None  # the server's base: http://localhost:8000/v1
    urls: OneOrMore[Url] | None = None  # several that serve the same
    tokenizer: Text | None = None  # a folder, a tokenizer.json, a hub id or a name that relay knows; None: as `model`
    api: Literal["auto", "vllm", "sglang", "text"] = "auto"  # how it is spoken to; auto: the best that it takes
    key: Variable | None = None  # the environment variable that holds the key
    throttle: Throttle | None = None
    retries: Whole = 8  # tries in a row that may bring nothing
    timeout: Annotated[float, Field(gt=0)] = 300.0  # seconds that a server may say nothing
    rows: Count = 64  # calls at once
    serve: bool = False  # whether `relay run` starts its servers and ends them
    dtype: Text | None = None  # of a server that relay starts
    args: tuple[str, ...] = ()  # more arguments of `vllm serve`

    @model_validator(mode="after")
    def _somewhere(self) -> "HttpModel":
        if (self.url is None) == (self.urls is None):
            what = "where is it? 'url' or 'urls' must be there, and only one of them"
            raise wrong(what, instead="url: http://localhost:8000/v1")
        if self.serve and (far := next((url for url in self.bases if not is_here(url)), None)):
            what = f"relay starts servers on this machine only, and {far} is none of its addresses"
            raise wrong(what, at=("serve",), instead="write http://localhost:8000/v1, or leave 'serve' out")
        return self

    @property
    def bases(self) -> tuple[str, ...]:
        """Its servers' addresses, each once."""
        return tuple(dict.fromkeys(self.urls or ((self.url,) if self.url else ())))

    def wanted(self) -> list[Wanted]:
        """The servers to start for it. Raises UserError where its files are nowhere, or vllm could not be there."""
        source = self.model
        if source.startswith("relay/") and not Path(source).is_dir():
            found = resolve(source)
            if found.gguf_file is not None:
                instead = "a folder of safetensors, or another server"
                raise UserError(
                    Mistake(f"model {source!r}", "is a GGUF file, which `vllm serve` is not given", instead)
                )
            source = found.source
        for parts in map(urlsplit, filter(is_here, self.bases)):
            if (parts.scheme, parts.path) != ("http", "/v1"):
                what = "`vllm serve` speaks plain http, below /v1"
                raise UserError(Mistake(f"model {self.model!r}: {parts.geturl()}", what, f"http://{parts.netloc}/v1"))
        return [Wanted(self.model, source, url, self.dtype, self.context, self.args) for url in self.bases]

    async def words(self) -> Words:
        """By its files; how long its context is may be known to its servers alone."""
        tokenizer, template, length = await asyncio.to_thread(words_of, self.tokenizer or self.model, self.thinking)
        return Words(tokenizer, template, self.context or length or UNKNOWN)

    async def open(self, *, deterministic: bool = False) -> Http:
        """The engine, its servers started where it says so, and asked what they can do.

        Deterministic: one call at a time.
        """
        async with AsyncExitStack() as stack:
            ours: list[Running] = []
            for wanted in self.wanted() if self.serve else ():
                server = serving(wanted, wanted.command(vllm_command(), HERE))
                ours.append(await stack.enter_async_context(server))
            engine = await self._connected(deterministic)
            engine.obituaries = [server.obituary for server in ours]
            engine.holds = stack.pop_all()
        return engine

    async def _connected(self, deterministic: bool) -> Http:
        key = _key(self.key)
        rows = 1 if deterministic else self.rows
        try:
            servers = [Server(url, key=key, rows=rows, timeout=self.timeout) for url in self.bases]
        except ImportError:
            raise UserError(NEEDS_EXTRA) from None
        try:
            served = await self._asked(servers)
        except BaseException:
            for server in servers:
                await server.aclose()
            raise
        return Http(served, servers, rows=rows, retries=self.retries, throttle=_throttler(self.throttle))

    async def _asked(self, servers: list[Server]) -> Served:
        """What the servers are; those that do not answer are told, where another one does."""
        notes: list[str] = []
        there: dict[str, tuple[Server, Names]] = {}
        for server in servers:
            try:
                names = await names_of(server, self.model)
            except Fault as fault:
                if len(servers) == 1:
                    raise self._refused(server, fault) from fault
                server.failed(fault)
                notes.append(f"{server.url}: {fault.what}; it will be tried again")
                continue
            if names.names and self.model not in names.names:
                raise no_such_model(self.model, server.url, names.names)
            there[server.url] = server, names
        if not there:
            raise UserError(*(Mistake(f"model {self.model!r}", note) for note in notes))
        tokenizer, template, length = await asyncio.to_thread(words_of, self.tokenizer or self.model, self.thinking)
        context = _least(self.context, *(n.context for _, n in there.values())) or length
        if context is None:
            what = f"neither {' nor '.join(there)} nor its tokenizer's files say how long its context is"
            raise UserError(Mistake(f"model {self.model!r}", what, "say it: `context: 4096`"))
        api: str = self.api
        founds = []
        for server, _ in there.values():
            try:
                founds.append(await probe(server, self.model, tokenizer, api=api, context=context))
            except Fault as fault:
                raise self._refused(server, fault) from fault
            api = founds[-1].wire.name  # the others must speak as the first does
        found = founds[0]
        facts = {
            "engine": "http",
            "model": self.model,
            "api": found.wire.name,
            "server": ", ".join(dict.fromkeys(each.server for each in founds)),
            "server_can": ", ".join(found.can),
            "server_context": str(context),
            "server_urls": " ".join(self.bases),
        }
        told = dict.fromkeys((*notes, *(note for each in founds for note in each.notes)))
        bans = all(each.bans for each in founds)
        return Served(self.model, found.wire, tokenizer, template, context, bans, facts, tuple(told))

    def _refused(self, server: Server, fault: Fault) -> UserError:
        where = f"model {self.model!r}"
        if fault.kind == "no TLS" or (fault.gone and server.url.startswith("https:") and is_here(server.url)):
            instead = "where it has no certificate, write http:// and not https://"
            return UserError(Mistake(where, f"{server.url}: {fault.what}", instead))
        if fault.kind == "reset" and server.url.startswith("http:"):
            return UserError(Mistake(where, f"{server.url}: {fault.what}", "is it one for https://?"))
        if fault.gone:
            return UserError(Mistake(where, f"{server.url}: {fault.what}", "start it: `relay serve`, or `vllm serve`"))
        if fault.kind in ("401", "403"):
            said = f"say with `key:` which environment variable holds it{f', not {self.key}' if self.key else ''}"
            return UserError(Mistake(where, f"{server.url} does not take the key: {fault.what}", said))
        return UserError(Mistake(where, f"{server.url}: {fault.what}"))


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _key(name: str | None) -> str:
    """The key. Raises UserError where the environment lacks it."""
    if name is None:
        return ""
    key = os.environ.get(name, "").strip()
    if not key:
        raise UserError(Mistake(f"key: {name}", "the environment has no such variable", f"export {name}=..."))
    if not key.isprintable() or not key.isascii():
        raise UserError(Mistake(f"key: {name}", "holds characters that no key has"))
    return key


def _throttler(throttle: Throttle | None) -> Any:
    if throttle is None:
        return None
    from asyncio_throttle import Throttler  # type: ignore[attr-defined]

    return Throttler(rate_limit=throttle.requests, period=throttle.seconds)
