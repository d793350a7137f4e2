"""The engine `http` before a server that hurts: nothing is lost, nothing doubled, everything counted."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.engine import Delta, Engine, Failing, Purpose, Request, Sampling, Telling
from relay.engine.http.engine import Http
from relay.engine.http.faults import retry_after, told
from relay.engine.http.model import HttpModel
from relay.errors import EngineError
from relay.problems import Problem
from relay.seam.cuts import Cut, Settled
from relay.trajectory import Usage
from tests.engine.stand_in import FAULTS, StandIn, words_in

APIS = ("vllm", "sglang", "sglang-incremental", "text")
GREEDY, HOT = Sampling(0.0, 1.0), Sampling(0.8, 0.95)
STOPS: dict[str, dict[str, Any]] = {
    "tokens": {"tokens": 25},
    "turn": {"tokens": 300},
    "sentences": {"tokens": 300, "sentences": 2},
    "text": {"tokens": 300, "texts": (" =",)},
}
KINDS = {
    "429": "429", "429 date": "429", "500": "500", "503": "503", "reset": "reset", "reset midway": "cut stream",
    "cut": "cut stream", "clean cut": "cut stream", "half an event": "bad JSON", "wrong count": "wrong token count",
    "HTML page": "HTML page", "error event": "500", "stall": "stall", "stall midway": "stall",
}  # fmt: skip

Opens = Callable[..., Any]


@pytest.fixture
def words(tmp_path: Path) -> str:
    return words_in(tmp_path)


@asynccontextmanager
async def opened(words: str, *servers: StandIn, **keys: Any) -> AsyncIterator[Http]:
    """The engine on these servers; it waits for nothing in vain."""
    where: dict[str, Any] = {"urls": tuple(s.base for s in servers)} if len(servers) > 1 else {"url": servers[0].base}
    model = HttpModel.model_validate(
        {"engine": "http", "model": "stand/in", "tokenizer": words, "timeout": 0.4, "context": 800, **where, **keys}
    )
    engine = await model.open()
    engine._first = 0.001
    try:
        yield engine
    finally:
        await engine.aclose()


def request(engine: Engine, *, sampling: Sampling = GREEDY, seed: int = 7, problem: str = "p", **cut: Any) -> Request:
    banned = frozenset({engine.tokenizer.encode(" we")[0]})
    prompt = engine.tokenizer.encode("What is 12 + 30?")
    purpose = Purpose(Problem(problem, "q", "1"), 0, "think", 1, "0")
    return Request(prompt, Cut(engine.tokenizer, **{"tokens": 60, **cut}), sampling, seed, banned, purpose)


async def said(engine: Engine, request: Request) -> tuple[Settled, Usage]:
    """What it settles to, and the usage; every delta was fed, in order."""
    ids: list[int] = []
    usage = None
    async for delta in engine.extend(request):
        ids += delta.ids
        usage = delta.usage or usage
    assert ids == request.cut.ids
    assert usage is not None
    return request.cut.settle(), usage


@pytest.mark.parametrize("sampling", [GREEDY, HOT], ids=["greedy", "drawn"])
@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("api", APIS)
async def test_each_format_says_what_the_model_draws(api: str, stop: str, sampling: Sampling, words: str) -> None:
    """The ids are those that the model draws by itself; of the text format the text is."""
    async with StandIn(api).open() as server, opened(words, server) as engine:
        asked = request(engine, sampling=sampling, **STOPS[stop])
        settled, usage = await said(engine, asked)
        most = {"most": 300, "temperature": sampling.temperature, "seed": 7, "texts": (), "ends": engine.tokenizer.eos}
        if engine.facts["api"] != "vllm":
            most["seed"] = 7 % (1 << 31)
        banned = asked.banned if api != "text" else frozenset()
        whole = server.draw(asked.prompt, {**most, "banned": banned}).ids
        alone = Cut(engine.tokenizer, **STOPS[stop])
        for i in whole:
            if alone.feed([i]):
                break
        expected = alone.settle()
        if api == "text" and stop == "tokens":  # its ids are ours, and so is the count
            assert engine.tokenizer.text_of(whole).startswith(settled.text[:-8])
            assert len(settled.ids) == 25 or settled.stop == "turn"
        else:
            assert (settled.text, settled.stop) == (expected.text, expected.stop)
        if api != "text":
            assert settled.ids == expected.ids
            assert usage.computed + usage.cached == len(asked.prompt)
        assert engine.failures == Counter()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("api", APIS)
async def test_each_fault_is_counted_by_its_kind_and_changes_nothing(api: str, fault: str, words: str) -> None:
    async with StandIn(api).open() as server, opened(words, server) as engine:
        for sampling in (GREEDY, HOT):
            good, _ = await said(engine, request(engine, sampling=sampling))
            server.faults.append(fault)
            assert (await said(engine, request(engine, sampling=sampling)))[0] == good
    if api == "text" and fault == "wrong count":
        assert engine.failures == Counter()  # the server counts its own tokens, which are none of ours
    else:
        assert engine.failures == Counter({KINDS[fault]: 2})
    assert engine.given_up == 0


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    api=st.sampled_from(APIS),
    stop=st.sampled_from(sorted(STOPS)),
    sampling=st.sampled_from([GREEDY, HOT]),
    faults=st.lists(st.sampled_from(sorted(set(FAULTS) - {"stall", "stall midway"})), max_size=7),
)
def test_whatever_goes_wrong_in_whatever_order_the_segment_is_the_same(
    api: str, stop: str, sampling: Sampling, faults: list[str], words: str
) -> None:
    async def both() -> None:
        async with StandIn(api).open() as server, opened(words, server) as engine:
            good, _ = await said(engine, request(engine, sampling=sampling, **STOPS[stop]))
            server.faults.extend(faults)
            assert (await said(engine, request(engine, sampling=sampling, **STOPS[stop])))[0] == good
            hurt = server.hurt - Counter([""])
            counted = Counter(KINDS[f] for f in hurt.elements() if (api, f) != ("text", "wrong count"))
            early = Counter(engine.failures) - counted  # nothing is counted that did not happen
            assert early == Counter()

    asyncio.run(both())


async def test_a_drawn_continuation_begins_again_and_a_greedy_one_goes_on(words: str) -> None:
    async with StandIn().open() as server, opened(words, server) as engine:
        for sampling, grows in ((GREEDY, True), (HOT, False)):
            server.calls.clear()
            server.faults.append("clean cut")
            await said(engine, request(engine, sampling=sampling))
            first, second = server.calls
            assert (len(second["prompt"]) > len(first["prompt"])) == grows
            assert (second["seed"] == first["seed"]) == (not grows)


async def test_a_server_that_draws_others_the_second_time_is_asked_to_go_on(words: str) -> None:
    async with StandIn().open() as server, opened(words, server) as engine:
        draws = server.draw

        def other_draws(prompt: list[int], body: Any) -> Any:
            return draws(prompt, {**body, "seed": len(server.calls)})

        server.draw = other_draws  # type: ignore[method-assign]
        server.faults.append("clean cut")
        server.calls.clear()
        asked = request(engine, sampling=HOT, tokens=40)
        settled, _ = await said(engine, asked)
        assert engine.failures == Counter({"cut stream": 1, "another draw": 1})
        kept = server.calls[2]["prompt"][len(asked.prompt) :]
        assert list(settled.ids[: len(kept)]) == kept
        assert kept


@pytest.mark.parametrize("sampling", [GREEDY, HOT], ids=["greedy", "drawn"])
async def test_a_server_that_gives_less_than_it_is_asked_for_is_asked_for_the_rest(
    sampling: Sampling, words: str
) -> None:
    async with StandIn().open() as server, opened(words, server, retries=2) as engine:
        asked = server._asked
        server._asked = lambda body: asked({**body, "max_tokens": min(8, body["max_tokens"])})  # type: ignore[method-assign]
        settled, _ = await said(engine, request(engine, sampling=sampling, tokens=40))
        assert settled.stop in ("tokens", "turn")
        assert len(settled.ids) == 40 or settled.stop == "turn"


async def test_a_server_that_is_out_of_order_is_left_though_it_asks_to_wait(words: str) -> None:
    async with StandIn().open() as one, StandIn().open() as other, opened(words, one, other, retries=6) as engine:

        async def out_of_order(_: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
            return await one._say(writer, 503, {}, more="retry-after: 0\r\n")

        one._complete = out_of_order  # type: ignore[method-assign]
        for problem in "abcdefghijklmnop":
            await said(engine, request(engine, problem=problem, tokens=5))
        assert engine.given_up == 0
        assert engine.failures["503"] in (3, 4, 5, 6)  # three in a row, and again after five seconds


async def test_who_waits_for_the_throttle_hears_that_the_server_asks_to_wait(words: str) -> None:
    async with StandIn().open() as server, opened(words, server) as engine:
        began = time.monotonic()
        probed = len(server.calls)

        class Slow:
            async def acquire(self) -> None:
                if not engine._fleet.servers[0].not_before:
                    engine._fleet.servers[0].not_before = began + 0.3  # another call was told so

        engine._throttle = Slow()
        call = asyncio.create_task(said(engine, request(engine, tokens=5)))
        await asyncio.sleep(0.1)
        assert len(server.calls) == probed
        await call
        assert time.monotonic() - began >= 0.28


async def test_nobody_waits_long_for_one_server_while_another_is_free(words: str) -> None:
    async with StandIn().open() as one, StandIn().open() as other, opened(words, one, other) as engine:

        async def busy(_: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
            return await one._say(writer, 429, {}, more="retry-after: 600\r\n")

        one._complete = busy  # type: ignore[method-assign]
        async with asyncio.timeout(10):
            for problem in "abcdefghijklmnop":
                await said(engine, request(engine, problem=problem, tokens=5))
        assert engine.failures == Counter({"429": 1})  # from then on nobody asks it


def sending(server: StandIn, change: Callable[[bytes], list[bytes]]) -> None:
    """From now on the server sends, for each event, what `change` makes of it."""

    async def stream(asked: Any, fault: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        for event in [*map(json.dumps, server._events(asked, wrong=False)), "[DONE]"]:
            for piece in change(event.encode()):
                writer.write(piece)
                await writer.drain()
        return False

    server._stream = stream  # type: ignore[method-assign,assignment]


SPELLINGS: dict[str, Callable[[bytes], list[bytes]]] = {
    "CRLF, comments and names": lambda e: [b": here\r\n\r\nevent: x\r\nid: 1\r\ndata:", e, b"\r", b"\n\r\n"],
    "several lines": lambda e: [b"data: " + e.replace(b", ", b",\ndata: ") + b"\n\n"],
    "no empty lines": lambda e: [b"data: " + e + b"\n"],
    "byte by byte": lambda e: [bytes([b]) for b in b"data: " + e + b"\n\n"],
}


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_events_are_read_however_they_are_spelled(spelling: str, words: str) -> None:
    async with StandIn().open() as server, opened(words, server) as engine:
        plain, usage = await said(engine, request(engine, tokens=9))
        sending(server, SPELLINGS[spelling])
        assert await said(engine, request(engine, tokens=9)) == (plain, usage)
        assert engine.failures == Counter()


async def test_a_server_that_only_keeps_the_line_open_says_nothing(words: str) -> None:
    async def alive(asked: Any, fault: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        while not reader.at_eof():
            writer.write(b": alive\n\n")
            await writer.drain()
            await asyncio.sleep(0.02)
        return False

    async with StandIn().open() as server, opened(words, server, retries=0, timeout=0.2) as engine:
        server._stream = alive  # type: ignore[method-assign]
        with pytest.raises(EngineError, match="it said nothing for too long"):
            await said(engine, request(engine))
        assert engine.failures == Counter({"stall": 1})


async def test_an_answer_that_goes_on_after_its_end_is_left(words: str) -> None:
    async with StandIn().open() as server, opened(words, server) as engine:
        plain, _ = await said(engine, request(engine, tokens=9))
        done = b'data: {"id": "x", "choices": []}\n\n' * 1000
        sending(server, lambda e: [done] * 1000 if e == b"[DONE]" else [b"data: " + e + b"\n\n"])
        assert (await said(engine, request(engine, tokens=9)))[0] == plain


async def test_leaving_early_ends_the_call_at_the_server(words: str) -> None:
    async with StandIn().open() as server, opened(words, server) as engine:
        server.pause = 0.02
        async with aclosing(engine.extend(request(engine, tokens=300, sampling=HOT, seed=5))) as deltas:
            async for delta in deltas:
                assert isinstance(delta, Delta)
                break
        await asyncio.wait_for(server.left.wait(), 5)
        assert engine.failures == Counter()
        server.left.clear()
        settled, _ = await said(
            engine, request(engine, sampling=HOT, tokens=300, sentences=1)
        )  # so does the end of a sentence
        await asyncio.wait_for(server.left.wait(), 5)
        assert settled.stop == "sentences"


async def test_cached_tokens_are_those_that_the_server_counts(words: str) -> None:
    for api in ("vllm", "sglang"):
        async with StandIn(api).open() as server, opened(words, server) as engine:
            asked = request(engine, tokens=8)
            _, usage = await said(engine, asked)
            assert usage == Usage(len(asked.prompt) - len(asked.prompt) // 2, len(asked.prompt) // 2, 8)


async def test_a_banned_id_that_comes_all_the_same_ends_the_rollout(words: str) -> None:
    async with StandIn().open() as server, opened(words, server) as engine:
        assert "bans" in engine.facts["server_can"]
        server.ignores_bans = True
        asked = request(engine, tokens=300)
        banned = frozenset(engine.tokenizer.encode("The numbers 42 and go on"))
        with pytest.raises(EngineError, match="drew an id that it was told not to"):
            await said(engine, asked._replace(banned=banned))
        assert engine.failures == Counter({"banned id": 1})


async def test_a_refusal_is_not_tried_again_and_says_why(words: str) -> None:
    async with StandIn().open() as server, opened(words, server) as engine:
        server.model = "another"
        server.calls.clear()
        with pytest.raises(EngineError, match=r"think \(visit 1, problem 'p', sample 0\): stand/in: .*does not exist"):
            await said(engine, request(engine))
        assert len(server.calls) == 1
        assert engine.given_up == 1


async def test_a_server_that_only_fails_is_given_up_after_so_many_tries(words: str) -> None:
    async with StandIn().open() as server, opened(words, server, retries=3) as engine:
        server.faults.extend(["500"] * 99)
        server.calls.clear()
        with pytest.raises(EngineError, match="it answers 500: Internal Server Error"):
            await said(engine, request(engine))
        assert len(server.calls) == 4
        assert engine.failures == Counter({"500": 4})


async def test_retry_after_is_honoured_by_all_calls_to_that_server(words: str) -> None:
    async with StandIn().open() as server, opened(words, server) as engine:
        server.faults.append("429")
        for each in engine._fleet.servers:
            each.not_before = time.monotonic() + 0.3
        began = time.monotonic()
        await said(engine, request(engine))
        assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    ("said_", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("99999999999", 900.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 37.0),
        ("Sun, 06 Nov 1994 08:48:00 GMT", 0.0),
        ("soon", None),
        ("-3", None),
        ("", None),
        ("1.5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(said_: str, seconds: float | None) -> None:
    assert retry_after(said_, now=784111740.0) == seconds


@pytest.mark.parametrize(
    ("body", "words_"),
    [
        ('{"error": {"message": "no\\nmemory"}}', ": no memory"),
        ('{"detail": "Not Found"}', ": Not Found"),
        ('{"message": {"a": 1}}', ': {"a": 1}'),
        ("<html><h1>Bad gateway</h1></html>", ""),
        ("plain words", ": plain words"),
        ("", ""),
    ],
)
def test_the_server_s_own_words_are_told_in_one_line(body: str, words_: str) -> None:
    assert told(body) == words_


async def test_a_rollout_stays_with_its_server_until_that_one_dies(words: str) -> None:
    async with StandIn().open() as one, StandIn().open() as two, opened(words, one, two) as engine:

        async def shares() -> tuple[set[str], set[str]]:
            went: list[set[str]] = []
            for server in (one, two):
                server.calls.clear()
            names = [f"p{n}" for n in range(24)]
            for name in names:
                before = len(one.calls)
                await said(engine, request(engine, problem=name, tokens=3))
                went.append({name} if len(one.calls) > before else set())
            first = set().union(*went)
            return first, set(names) - first

        first, second = await shares()
        assert len(first) > 3
        assert len(second) > 3
        assert await shares() == (first, second)
        port = two.port
        await two.close()
        assert await shares() == (first | second, set())
        assert engine.given_up == 0
        assert engine.failures["no connection"] + engine.failures["reset"] in (1, 2, 3)
        await two.listen(port)
        for server in engine._fleet.servers:
            server.rests_until = 0.0  # as if the rest were over
        assert await shares() == (first, second)


async def test_when_nobody_answers_for_long_calls_fail_at_once(words: str) -> None:
    async with StandIn().open() as server, opened(words, server, retries=1000) as engine:
        engine._fleet._patience = 0.2
        await server.close()
        with pytest.raises(EngineError, match="nobody answers there"):
            await said(engine, request(engine))
        before = engine.failures.total()
        with pytest.raises(EngineError, match="nobody answers there"):
            await said(engine, request(engine))
        assert engine.failures.total() == before + 1


async def test_no_more_calls_at_once_than_rows(words: str) -> None:
    async with StandIn().open() as server, opened(words, server, rows=3) as engine:
        here = most = 0
        draws = server._stream

        async def counting(*args: Any) -> bool:
            nonlocal here, most
            here += 1
            most = max(most, here)
            await asyncio.sleep(0.01)
            try:
                return await draws(*args)
            finally:
                here -= 1

        server._stream = counting  # type: ignore[method-assign]
        await asyncio.gather(*(said(engine, request(engine, problem=str(n), tokens=4)) for n in range(12)))
        assert most == 3


async def test_a_throttle_spreads_the_calls(words: str) -> None:
    throttle = {"requests": 4, "seconds": 0.3}
    async with StandIn().open() as server, opened(words, server, throttle=throttle) as engine:
        began = time.monotonic()
        await asyncio.gather(*(said(engine, request(engine, problem=str(n), tokens=2)) for n in range(10)))
        assert time.monotonic() - began >= 0.6
        assert len(server.calls) >= 10


async def test_what_relay_asks_of_an_engine_is_there(words: str) -> None:
    async with StandIn().open() as server, opened(words, server) as engine:
        assert isinstance(engine, Failing)
        assert isinstance(engine, Telling)
        assert engine.context == 800
        assert engine.rows == 64


async def test_a_prompt_that_does_not_fit_is_an_error_of_the_rollout(words: str) -> None:
    async with StandIn().open() as server, opened(words, server) as engine:
        asked = request(engine)
        with pytest.raises(EngineError, match="900 tokens does not fit into a context of 800"):
            await said(engine, asked._replace(prompt=[5] * 900))
