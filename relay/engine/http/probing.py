"""What a server is and can do, found out before a run: its names, its format, its tokenizer, its bans."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar

from relay.engine import Sampling
from relay.engine.http.faults import Fault
from relay.engine.http.server import Server
from relay.engine.http.wire import Call, Piece, Wire
from relay.engine.http.wire.sglang import Sglang
from relay.engine.http.wire.text import Text
from relay.engine.http.wire.vllm import Vllm
from relay.errors import Mistake, UserError
from relay.seam.tokens import Tokenizer

T = TypeVar("T")

SAMPLE = "The sum of 12 and 345 is 357.\n\n  Naïve: x² ≤ 数学, isn't it?\n"  # what tokenizers read differently
GREEDY = Sampling(0.0, 1.0)
BUSY = frozenset({"429", "502", "503", "504", "reset", "cut stream"})
TRIES = 4
LONG = 60.0  # seconds that a server may ask to wait at the start
NO_COUNTS = (
    "the server does not say how much of a prompt it had in its cache: all of it counts as computed "
    "(vllm serve --enable-prompt-tokens-details says it)"
)


class Names(NamedTuple):
    """What a server says of its models."""

    names: tuple[str, ...]
    context: int | None  # tokens of the one that is wanted
    root: str  # where its files are, as the server says; empty where it does not


class Found(NamedTuple):
    """What was found out."""

    wire: Wire
    server: str  # "vllm 0.32.0"
    can: tuple[str, ...]
    bans: bool
    notes: tuple[str, ...]


async def names_of(server: Server, model: str) -> Names:
    """The models that it serves. Raises Fault where nobody answers, or answers with something else."""
    try:
        listed = await _patiently(server.get, "/models")
    except Fault as fault:
        if fault.kind not in ("404", "405"):
            raise
        return Names((), None, "")  # some servers have no list
    found = listed.get("data") if isinstance(listed, dict) else None
    cards = [card for card in found or () if isinstance(card, dict) and isinstance(card.get("id"), str)]
    mine = next((card for card in cards if card["id"] == model), {})
    context, root = mine.get("max_model_len"), mine.get("root")
    if context is None:  # llama.cpp says elsewhere what it gives to a call
        props = (await _asked(server, "//props")).get("default_generation_settings")
        context = props.get("n_ctx") if isinstance(props, dict) else None
    return Names(
        tuple(card["id"] for card in cards),
        context if isinstance(context, int) else None,
        root if isinstance(root, str) else "",
    )


def no_such_model(model: str, url: str, names: Iterable[str]) -> UserError:
    """The server has other models."""
    names = tuple(names)
    near = get_close_matches(model, names, 1)
    instead = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(map(repr, names[:10]))}"
    return UserError(Mistake(f"model {model!r}", f"{url} has no model of this name", instead))


async def probe(server: Server, model: str, tokenizer: Tokenizer, *, api: str, context: int) -> Found:
    """The best format that this server takes, tried out. Raises Fault; UserError where it cannot be used."""
    version = await _version(server)
    notes: list[str] = []
    for name in ("sglang", "vllm", "text") if api == "auto" else (api,):
        if api == "auto" and (name == "sglang") != version.startswith("sglang") and name != "text":
            continue
        found = await _tried(server, model, tokenizer, name, context)
        if isinstance(found, str):
            if api == name:
                what = f"{server.url} does not take `api: {name}`: {found}"
                raise UserError(Mistake(f"model {model!r}", what, "`api: auto` takes what it can do"))
            notes.append(found)
            continue
        if name == "text" and api == "auto":
            notes.append(
                f"{server.url} takes text only ({'; '.join(notes)}): the ids are relay's, what a node may not write "
                "is cut off, and is not kept from being drawn"
            )
            notes = notes[-1:]
        return found._replace(server=version, notes=(*notes, *found.notes))
    raise UserError(Mistake(f"model {model!r}", f"{server.url} completes nothing: {'; '.join(notes)}"))


async def _version(server: Server) -> str:
    """Which server it is, as far as it says."""
    for path in ("//get_model_info", "//model_info"):
        info = await _asked(server, path)
        if "model_path" in info:
            said = await _asked(server, "//get_server_info") or await _asked(server, "//server_info")
            return f"sglang {said.get('version', '')}".strip()[:80]
    version = (await _asked(server, "//version")).get("version")
    return f"vllm {version}"[:80] if isinstance(version, str) else "unknown"


async def _asked(server: Server, path: str) -> dict[str, Any]:
    """What it says there; nothing where it says nothing of use."""
    try:
        found = await server.get(path)
    except Fault as fault:
        if fault.gone:
            raise
        return {}
    return found if isinstance(found, dict) else {}


async def _tried(server: Server, model: str, tokenizer: Tokenizer, name: str, context: int) -> Found | str:
    """What this format can do here; or why it cannot be used."""
    if name == "text":
        return await _text(server, model, tokenizer, context)
    wires: list[tuple[Wire, tuple[str, ...]]] = [  # the best first, with what it can
        (Vllm(model, tokenizer, priorities=True), ("ids", "seeds", "priorities")),
        (Vllm(model, tokenizer), ("ids", "seeds")),
    ]
    if name == "sglang":
        wires = [(Sglang(tokenizer), ("ids", "seeds")), (Sglang(tokenizer, seeds=False), ("ids",))]
    prompt = tokenizer.encode_template(SAMPLE)
    why = ""
    for wire, can in wires:
        try:
            first, counted = await _one(server, wire, Call(prompt, 1, GREEDY, 1, priority=1))
        except Fault as fault:
            _raise_if_closed(fault)
            why = f"{name}: {fault.what}"
            continue
        await _same_ids(server, model, tokenizer)
        notes = [] if counted else [NO_COUNTS]
        if "seeds" not in can:
            notes.append("the server takes no seed for a call: what it draws cannot be drawn again")
        bans = await _bans(server, wire, prompt, first)
        if not bans:
            notes.append("the server draws what it was told not to: relay cuts it off where it can")
        more = [word for word, has in (("bans", bans), ("cached counts", counted)) if has]
        return Found(wire, "", (*can, *more), bans, tuple(notes))
    return why


async def _bans(server: Server, wire: Wire, prompt: list[int], first: int) -> bool:
    """Whether it draws another id when the one that it would draw is banned."""
    try:
        second, _ = await _one(server, wire, Call(prompt, 1, GREEDY, 1, frozenset({first})))
    except Fault as fault:
        _raise_if_closed(fault)
        return False
    return second != first


async def _text(server: Server, model: str, tokenizer: Tokenizer, context: int) -> Found | str:
    """Text in, text out; what it puts before a prompt by itself is found by its count."""
    opening = tokenizer.text_of(tokenizer.opening)
    sample = opening + SAMPLE
    prompt = tokenizer.encode_template(sample)
    pieces, why, tags = None, "", True
    for tags in (True, False):
        wire = Text(model, tokenizer, context=context, tags=tags)
        try:
            pieces = await _pieces(server, wire, Call(prompt, 1, GREEDY, 1))
            break
        except Fault as fault:
            _raise_if_closed(fault)
            why = f"text: {fault.what}"
    if pieces is None:
        return why
    count = next((piece.prompt for piece in pieces if piece.prompt is not None), None)
    notes = [] if tags else ["the server may leave out tags of thinking: then no answer is found"]
    if count is None:
        notes.append("the server counts no tokens: whether its tokenizer is ours cannot be checked")
    elif count == len(prompt) + len(tokenizer.opening) and opening:
        wire = Text(model, tokenizer, adds=opening, context=context, tags=tags)
    elif count != len(prompt):
        raise _other_tokenizer(model, server, f"it counts {count} tokens in {sample!r}, and there are {len(prompt)}")
    return Found(wire, "", ("text", *(("counts",) if count is not None else ())), False, tuple(notes))


async def _one(server: Server, wire: Wire, call: Call) -> tuple[int, bool]:
    """The first id that it draws, and whether it says how much of the prompt it had read before."""
    pieces = await _pieces(server, wire, call)
    ids = [i for piece in pieces for i in piece.ids]
    if not ids:
        raise Fault("no ids", "it sends no token ids", again=False)
    return ids[0], any(piece.cached is not None for piece in pieces)


async def _pieces(server: Server, wire: Wire, call: Call) -> list[Piece]:
    async def all_of_them() -> list[Piece]:
        async with aclosing(server.pieces(wire, call)) as pieces:
            return [piece async for piece in pieces]

    return await _patiently(all_of_them)


async def _patiently(ask: Callable[..., Awaitable[T]], *what: Any) -> T:
    """What this returns; a server that is busy is asked a few times."""
    from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_exponential

    def pause(state: RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome is not None else None
        said = fault.wait if isinstance(fault, Fault) and fault.wait is not None else 0.0
        return max(min(said, LONG), wait_exponential(multiplier=0.3)(state))

    tries = AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, Fault) and error.kind in BUSY),
        stop=stop_after_attempt(TRIES),
        wait=pause,
        reraise=True,
    )
    return await tries(ask, *what)


async def _same_ids(server: Server, model: str, tokenizer: Tokenizer) -> None:
    """Raises UserError where the server reads a text as other ids."""
    body = {"model": model, "prompt": SAMPLE, "add_special_tokens": False}
    try:
        found = await server.post("//tokenize", body)
    except Fault as fault:
        _raise_if_closed(fault)
        return
    theirs = found.get("tokens") if isinstance(found, dict) else None
    ours = tokenizer.encode_template(SAMPLE)
    if isinstance(theirs, list) and theirs != ours:
        place = next((n for n, (a, b) in enumerate(zip(theirs, ours, strict=False)) if a != b), len(ours))
        what = f"of {SAMPLE!r} it makes {len(theirs)} ids, relay {len(ours)}; number {place} is the first that differs"
        raise _other_tokenizer(model, server, what)


def _other_tokenizer(model: str, server: Server, what: str) -> UserError:
    where, why = f"model {model!r}", f"the tokenizer at {server.url} is another than relay's: {what}"
    return UserError(Mistake(where, why, "say with `tokenizer:` which it is: a folder, a tokenizer.json or a name"))


def _raise_if_closed(fault: Fault) -> None:
    """A refused key or a server that is gone is no sign of what it can do."""
    if fault.gone or fault.kind in ("401", "403"):
        raise fault
