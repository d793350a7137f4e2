"""What a server is and can do is found out before a run, written down, and told where something is missing."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from relay.engine.http.faults import Fault
from relay.engine.http.model import HttpModel
from relay.engine.http.probing import _patiently
from relay.errors import UserError
from tests.engine.stand_in import StandIn, words_in

KEY = "sk-Very+Secret/123"


@pytest.fixture
def words(tmp_path: Path) -> str:
    return words_in(tmp_path)


def model(words: str, **keys: Any) -> HttpModel:
    where = {} if "urls" in keys or "url" in keys else {"url": "http://127.0.0.1:9/v1"}
    tree = {"engine": "http", "model": "stand/in", "tokenizer": words, "context": 800, "timeout": 2.0, **where, **keys}
    return HttpModel.model_validate(tree)


async def facts(words: str, server: StandIn, **keys: Any) -> tuple[dict[str, str], tuple[str, ...], int]:
    engine = await model(words, url=server.base, **keys).open()
    await engine.aclose()
    return dict(engine.facts), engine.notes, engine.context


async def refused(words: str, server: StandIn, **keys: Any) -> str:
    with pytest.raises(UserError) as caught:
        await model(words, url=server.base, **keys).open()
    return str(caught.value)


async def test_vllm_and_sglang_are_known_and_can_all_of_it(words: str) -> None:
    for api, name in (("vllm", "vllm 0.32.0"), ("sglang", "sglang 0.5.9")):
        async with StandIn(api).open() as server:
            found, notes, context = await facts(words, server)
            assert (found["api"], found["server"], notes) == (api, name, ())
            more = ", priorities" if api == "vllm" else ""
            assert found["server_can"] == f"ids, seeds{more}, bans, cached counts"
            assert context == 800
            found, _, context = await facts(words, server, context=None)
            assert context == 900  # the server's own


async def test_a_server_that_takes_text_only_is_told(words: str) -> None:
    async with StandIn("text").open() as server:
        found, (note,), _ = await facts(words, server)
        assert found["api"] == "text"
        assert "takes text only" in note
        assert "prompt must be a string" in note
        _, notes, context = await facts(words, server, api="text")  # as the user said
        assert (notes, context) == ((), 700)


async def test_what_is_missing_is_told(words: str) -> None:
    async with StandIn("vllm").open() as server:
        server.counts_cached = False
        server.ignores_bans = True
        server.priorities = False
        found, notes, _ = await facts(words, server)
        assert found["server_can"] == "ids, seeds"
        assert "--enable-prompt-tokens-details" in notes[0]
        assert "draws what it was told not to" in notes[1]
    async with StandIn("sglang").open() as server:
        server.refuses_seeds = True
        found, notes, _ = await facts(words, server)
        assert found["server_can"] == "ids, bans, cached counts"
        assert "takes no seed" in notes[0]


async def test_a_server_that_is_busy_is_asked_again(words: str) -> None:
    async with StandIn().open() as server:
        server.faults.extend(["503", "429", "", "reset"])
        assert (await facts(words, server))[1] == ()
        server.faults.extend(["503"] * 99)
        assert "it answers 503" in await refused(words, server, api="vllm")
        assert len(server.faults) == 99 - 8


async def test_a_server_that_asks_to_wait_at_the_start_is_waited_for() -> None:
    tries: list[float] = []

    async def ask() -> int:
        tries.append(time.monotonic())
        if len(tries) == 1:
            raise Fault("429", "it answers 429", wait=0.5)
        return 7

    assert await _patiently(ask) == 7
    assert tries[1] - tries[0] >= 0.5


async def test_an_api_that_the_server_lacks_is_refused(words: str) -> None:
    async with StandIn("text").open() as server:
        said = await refused(words, server, api="vllm")
        assert "does not take `api: vllm`" in said
        assert "prompt must be a string" in said


async def test_a_wrong_name_is_told_with_those_that_there_are(words: str) -> None:
    async with StandIn().open() as server:
        assert "did you mean 'stand/in'?" in await refused(words, server, model="stand-in")
        assert "it has 'stand/in'" in await refused(words, server, model="xyz")


async def test_a_server_that_is_not_there_is_told_at_once(words: str) -> None:
    async with StandIn().open() as server:
        pass
    said = await refused(words, server)
    assert f"{server.base}: nobody answers there" in said
    assert "relay serve" in said


async def test_of_several_servers_one_may_be_away(words: str) -> None:
    async with StandIn().open() as here, StandIn().open() as away:
        await away.close()
        engine = await model(words, urls=(away.base, here.base)).open()
        await engine.aclose()
        assert engine.notes == (f"{away.base}: nobody answers there; it will be tried again",)
        await here.close()
        with pytest.raises(UserError, match=r"nobody answers there(.|\n)*nobody answers there"):
            await model(words, urls=(away.base, here.base)).open()


async def test_another_tokenizer_is_refused_with_what_differs(words: str) -> None:
    async with StandIn().open() as server:
        server.tokenize = [*server.tokenizer.encode("The sum"), 5, 5]
        said = await refused(words, server)
        assert "the tokenizer at" in said
        assert "is another than relay's" in said
        assert "say with `tokenizer:`" in said
    async with StandIn("text").open() as server:
        server.adds = "Hello there. "
        assert "it counts" in await refused(words, server)


async def test_a_page_for_people_is_no_server(words: str) -> None:
    async with StandIn().open() as server:
        server._told = lambda *_: (200, b"<!DOCTYPE html><html>Welcome")  # type: ignore[assignment,method-assign,return-value]
        assert "answers with a page for people" in await refused(words, server)


@pytest.mark.parametrize(
    ("url", "proxy", "what"),
    [
        ("http://xn--:8124/v1", "", "is no address: Malformed A-label"),
        ("http://a\tb:8124/v1", "", "is no address: Invalid non-printable"),
        ("http://far.example/v1", "socks5://127.0.0.1:1", "a proxy that the environment names"),
        ("http://far.example/v1", "foo://127.0.0.1:1", "a proxy that the environment names"),
    ],
)
async def test_an_address_or_a_proxy_that_cannot_be_is_told(
    words: str, url: str, proxy: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(UserError, match=what):
        await model(words, url=url).open()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 X\r\n\r\n", b""])
async def test_https_where_there_is_none_is_told(words: str, answer: bytes) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as there:
        with pytest.raises(UserError) as caught:
            await model(words, url=f"https://127.0.0.1:{there.sockets[0].getsockname()[1]}").open()
        assert ("there is no safe connection to it" in str(caught.value)) == bool(answer)
        assert "write http:// and not https://" in str(caught.value)


async def test_whoever_sends_on_is_not_followed_with_the_key(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_KEY", KEY)

    async def sends_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 307 X\r\nlocation: {server.base}/models\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with StandIn().open() as server, await asyncio.start_server(sends_on, "127.0.0.1", 0) as first:
        url = f"http://127.0.0.1:{first.sockets[0].getsockname()[1]}/v1"
        with pytest.raises(UserError, match=f"answers 307 and sends on to {server.base}"):
            await model(words, url=url, key="STAND_IN_KEY").open()
        assert server.heads == []


async def test_the_key_comes_from_the_environment_and_goes_nowhere_else(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with StandIn().open() as server:
        server.key = KEY
        assert "say with `key:` which environment variable holds it" in await refused(words, server)
        assert "the environment has no such variable" in await refused(words, server, key="STAND_IN_KEY")
        monkeypatch.setenv("STAND_IN_KEY", KEY[:-1] + "4")
        said = await refused(words, server, key="STAND_IN_KEY")  # the server repeats it
        assert "no such key" in said
        assert KEY[:-1] not in said
        monkeypatch.setenv("STAND_IN_KEY", KEY)
        found, notes, _ = await facts(words, server, key="STAND_IN_KEY")
        assert KEY not in json.dumps([found, notes])
        assert all(heads["authorization"] == f"Bearer {KEY}" for heads in server.heads[-5:])


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"url": "ftp://x"}, "is no address of a server"),
        ({"url": "http://user:pw@x/v1"}, "an address with a name or password"),
        ({"url": "http://x:port/v1"}, "is no address"),
        ({"url": "http://a", "urls": ("http://b",)}, "only one of them"),
        ({"url": "http://far.example/v1", "serve": True}, "on this machine only"),
        ({"url": "http://x/v1/completions/"}, "is where one call goes"),
        ({"url": "http://x/v1/chat/completions"}, "is where one call goes"),
        ({"key": "sk-123"}, "key"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_read(words: str, keys: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        model(words, **keys)


def test_an_address_without_a_path_means_v1(words: str) -> None:
    assert model(words, url="http://localhost:8000").bases == ("http://localhost:8000/v1",)
    assert model(words, url="http://localhost:8000/openai/v1/").bases == ("http://localhost:8000/openai/v1",)
