"""engine http before a real `vllm serve`: the same text as transformers, and nothing lost whatever fails in between."""

import asyncio
import json
import os
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pytest

from relay.engine import Purpose, Request, Sampling
from relay.engine.http.engine import Http
from relay.engine.http.model import HttpModel
from relay.engine.transformers import TransformersModel
from relay.errors import EngineError
from relay.families.endless import chains
from relay.problems import Problem
from relay.seam.cuts import Cut, Settled
from relay.store.opening import opened
from relay.trajectory import Usage
from tests.engines_real.serving import BLOCK, RELAY, Proxy, served

T = TypeVar("T")
GREEDY, HOT = Sampling(0.0, 1.0), Sampling(1.0, 1.0)
FOUR_HOPS = """\
relay: 1
models:
  main: {model}
problems: {{from: chains, limit: {problems}}}
graph:
  start: one
  answer: {answer}
  nodes:
    one: {{write: main, until: {{tokens: 24}}}}
    two: {{write: main, until: {{sentences: 1}}}}
    three: {{write: main, until: [{{text: "="}}, {{tokens: 40}}]}}
    four: {{write: main}}
  edges: {{one: two, two: three, three: four, four: end}}
budget: {{tokens: 600}}
sampling: {{temperature: 0}}
"""
TWO_HOPS = """\
relay: 1
models:
  main: {model}
problems: {{from: chains, limit: {problems}}}
samples: {samples}
graph:
  start: one
  answer: two
  nodes:
    one: {{write: main, until: {{tokens: 18}}}}
    two: {{write: main, until: {{tokens: 18}}}}
  edges: {{one: two, two: end}}
sampling: {{temperature: 0}}
"""
ASKS_OR_NOT = """\
relay: 1
models:
  main: {model}
  other: {{engine: scripted, says: {says}}}
problems: {{from: chains, limit: 60}}
graph:
  start: zero
  answer: [one, zero]
  nodes:
    zero: {{write: other}}
    one: {{write: main, until: {{tokens: 24}}}}
  edges:
    zero: [{{when: {{ends_with: "1.", in: thought}}, to: one}}, end]
    one: end
sampling: {{temperature: 0}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a `vllm serve` that `relay serve` has started."""
    with served(tmp_path_factory.mktemp("serve")) as url:
        yield url


def http(url: str | list[str], **keys: Any) -> str:
    """A model of the scenario, in one line."""
    where = {"urls": url} if isinstance(url, list) else {"url": url}
    return json.dumps({"engine": "http", "model": "relay/tiny", **where, **keys})


def run(folder: Path, scenario: str, name: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """`relay run` to its end, which must be this one."""
    (folder / f"{name}.yaml").write_text(scenario)
    command = [RELAY, "run", f"{name}.yaml", "-o", f"{name}.relay"]
    environment = {**os.environ, "RELAY_POOL": str(folder / "pool"), "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        command, cwd=folder, env=environment, text=True, capture_output=True, timeout=900, check=False
    )
    assert done.returncode == code, done.stderr[-3000:]
    return done


def hops(path: Path) -> dict[tuple[str, int, int], tuple[str, str]]:
    """The text and the end of every hop, by problem, sample and number. None is there twice."""
    said = (
        "SELECT p.key, r.sample, h.n, h.text, (SELECT text FROM name WHERE id = h.stop) "
        "FROM hop h JOIN rollout r ON r.id = h.rollout JOIN problem p ON p.id = r.problem"
    )
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute(said).fetchall()
    found = {(key, sample, n): (text or "", stop or "") for key, sample, n, text, stop in rows}
    assert len(found) == len(rows)
    return found


def stops(path: Path) -> Counter[str]:
    with closing(sqlite3.connect(path)) as db:
        query = "SELECT (SELECT text FROM name WHERE id = stop), count(*) FROM rollout GROUP BY 1"
        return Counter(dict(db.execute(query).fetchall()))


def differing(one: Any, other: Any) -> list[Any]:
    """The rollouts that are not the same in both, each with its first hop that differs."""
    assert one.keys() == other.keys()
    first: dict[Any, Any] = {}
    for key in sorted(one):
        if one[key] != other[key]:
            first.setdefault(key[:2], (key, one[key], other[key]))
    return list(first.values())


def test_four_hops_are_the_same_text_as_in_transformers(server: str, tmp_path: Path) -> None:
    """100 problems, greedy: at a token limit, a sentence's end, a text and the end of the turn."""
    here = "{engine: transformers, model: relay/tiny, device: cpu, dtype: float32}"
    for name, model in (("plain", here), ("http", http(server))):
        run(tmp_path, FOUR_HOPS.format(model=model, problems=100, answer="four"), name)
    plain, ids = (hops(tmp_path / f"{name}.relay") for name in ("plain", "http"))
    assert stops(tmp_path / "plain.relay").total() == 100
    print(f"http against transformers: {len(differing(plain, ids))} of 100 differ")
    assert differing(plain, ids) == []


def test_four_hops_as_text_are_the_same_text(server: str, tmp_path: Path) -> None:
    """Where every node may close the thinking, for a text cannot be kept from being drawn."""
    for name, api in (("ids", "vllm"), ("text", "text")):
        every = "[one, two, three, four]"
        run(tmp_path, FOUR_HOPS.format(model=http(server, api=api), problems=40, answer=every), name)
    other = differing(hops(tmp_path / "ids.relay"), hops(tmp_path / "text.relay"))
    print(f"the text format against ids: {len(other)} of 40 differ: {other[:3]}")
    assert len(other) <= 4


def test_a_thousand_rollouts_through_a_server_that_hurts(server: str, tmp_path: Path) -> None:
    """None is lost, none is doubled, each failure is counted in the report; and the text is that of a good server."""
    run(tmp_path, TWO_HOPS.format(model=http(server), problems=500, samples=1), "good")
    proxy = Proxy(server, share=0.15)
    proxy.spares = 2  # what the server can do is asked once
    with proxy.open() as url:
        done = run(tmp_path, TWO_HOPS.format(model=http(url, timeout=30, rows=16), problems=500, samples=2), "hurt")
    hurt = +proxy.hurt
    print(f"{proxy.calls} calls, hurt: {hurt}")
    with opened(tmp_path / "hurt.relay") as file:
        counted = Counter(file.meta["failures"]["main"])
    assert counted.pop("given up") == 0
    assert +counted == hurt
    assert len(hurt) == 8
    told = "engine main: " + f"{hurt.total():,} failed tries: "
    assert told in done.stdout
    assert stops(tmp_path / "hurt.relay").total() == 1000
    assert stops(tmp_path / "hurt.relay")["failed"] == 0
    good, bad = hops(tmp_path / "good.relay"), hops(tmp_path / "hurt.relay")
    other = differing({key: good[key[0], 0, key[2]] for key in bad}, bad)
    assert len(bad) == 2 * len(good)
    print(f"{len(other)} of 1,000 rollouts are not the same text: {other[:3]}")
    assert len(other) <= 5  # another batch, another rounding


def test_when_one_of_two_servers_dies_its_rollouts_move(server: str, tmp_path: Path) -> None:
    one, two = Proxy(server, share=0), Proxy(server, share=0)
    one.dies_at = 30
    with one.open() as first, two.open() as second:
        scenario = FOUR_HOPS.format(model=http([first, second]), problems=40, answer="four")
        done = run(tmp_path, scenario, "moved")
    assert one.calls >= 30
    assert two.calls > one.calls
    assert stops(tmp_path / "moved.relay")["failed"] == 0
    assert "failed tries: " in done.stdout


def test_when_the_only_server_dies_its_rollouts_end_and_the_others_go_on(server: str, tmp_path: Path) -> None:
    proxy = Proxy(server, share=0)
    proxy.dies_at = 12
    names = [problem.id for problem in islice(chains(), 60)]
    says = json.dumps({name: [" 1."] for name in names[:30]} | {"*": [" 2."]})
    with proxy.open() as url:
        done = run(tmp_path, ASKS_OR_NOT.format(model=http(url, retries=3), says=says), "died", code=1)
    found = stops(tmp_path / "died.relay")
    print(found, done.stderr[-400:])
    assert found.total() == 60
    assert found["failed"] > 0
    assert found["end"] >= 30
    assert "nobody answers there" in done.stderr


def on_the_engine(server: str, work: Callable[[Http], Awaitable[T]], **keys: Any) -> T:
    """What this does with an engine on the server."""

    async def opened_() -> T:
        engine = await HttpModel.model_validate(json.loads(http(server, **keys))).open()
        try:
            return await work(engine)
        finally:
            await engine.aclose()

    return asyncio.run(opened_())


def request(engine: Http, prompt: list[int], *, sampling: Sampling = GREEDY, seed: int = 1, **cut: Any) -> Request:
    purpose = Purpose(Problem("p", "q", "1"), 0, "think", 1, "0")
    return Request(prompt, Cut(engine.tokenizer, **{"tokens": 40, **cut}), sampling, seed, frozenset(), purpose)


async def said(engine: Http, asked: Request) -> tuple[Settled, Usage]:
    usage = Usage()
    async for delta in engine.extend(asked):
        usage = delta.usage or usage
    return asked.cut.settle(), usage


def test_what_it_is_and_can_is_found_out(server: str) -> None:
    async def facts(engine: Http) -> tuple[Any, ...]:
        return dict(engine.facts), engine.notes, engine.context

    found, notes, context = on_the_engine(server, facts)
    assert found["api"] == "vllm"
    assert found["server"].startswith("vllm 0.")
    assert found["server_can"] == "ids, seeds, priorities, bans, cached counts"
    assert notes == ()
    assert context == 1024


def test_a_banned_id_is_never_drawn(server: str) -> None:
    """Neither an ordinary one nor a tag, at a temperature at which anything else is."""

    async def work(engine: Http) -> None:
        think = engine.tokenizer.think
        assert think is not None
        prompt = list(engine.template.render("What is 2+3?").ids)
        banned = frozenset({think.close, *engine.tokenizer.eos})
        hot = Sampling(2.0, 1.0)
        every = [
            request(engine, prompt, sampling=hot, seed=seed, tokens=40)._replace(banned=banned) for seed in range(30)
        ]
        await asyncio.gather(*(said(engine, each) for each in every))
        drawn = {i for each in every for i in each.cut.ids}
        assert len(drawn) > 100
        assert drawn.isdisjoint(banned)
        likeliest = request(engine, prompt, tokens=12)
        await said(engine, likeliest)
        banned = frozenset(likeliest.cut.ids)
        asked = request(engine, prompt, tokens=40)._replace(banned=banned)
        await said(engine, asked)
        assert banned.isdisjoint(asked.cut.ids)

    on_the_engine(server, work)


def test_a_seed_draws_the_same_again_and_another_does_not(server: str) -> None:
    async def work(engine: Http) -> None:
        prompt = list(engine.template.render("What is 2+3?").ids)
        texts = [(await said(engine, request(engine, prompt, sampling=HOT, seed=s)))[0].ids for s in (5, 5, 6)]
        assert texts[0] == texts[1] != texts[2]

    on_the_engine(server, work)


def test_cached_tokens_are_whole_blocks_of_what_was_read_before(server: str) -> None:
    async def work(engine: Http) -> None:
        prompt = engine.tokenizer.encode("Let me count in a way that nobody has counted before: ")
        prompt = [*prompt, *(engine.tokenizer.encode("17 and 4 is 21, ") * 20)][:200]
        for cached in (0, BLOCK * ((len(prompt) - 1) // BLOCK)):
            _, usage = await said(engine, request(engine, prompt, tokens=3))
            assert (usage.cached, usage.computed) == (cached, len(prompt) - cached)

    on_the_engine(server, work)


def test_the_text_format_says_the_same_text(server: str) -> None:
    """Greedy, whole turns of 20 problems: word by word what the ids spell, and the ids are relay's."""
    questions = [problem.question for problem in islice(chains(), 20)]

    async def work(engine: Http) -> list[Settled]:
        asked = [request(engine, list(engine.template.render(q).ids), tokens=200) for q in questions]
        return [settled for settled, _ in await asyncio.gather(*(said(engine, each) for each in asked))]

    ids, text = on_the_engine(server, work), on_the_engine(server, work, api="text")
    assert [settled.text for settled in text] == [settled.text for settled in ids]
    same = sum(a.ids == b.ids for a, b in zip(ids, text, strict=True))
    print(f"of 20 answers {same} have the same ids by both formats")


def test_transformers_gives_the_same_greedy_ids(server: str) -> None:
    async def here() -> list[int]:
        engine = await TransformersModel(model="relay/tiny", device="cpu").open()
        try:
            prompt = list(engine.template.render("What is 2+3?").ids)
            purpose = Purpose(Problem("p", "q", "1"), 0, "think", 1, "0")
            asked = Request(prompt, Cut(engine.tokenizer, tokens=40), GREEDY, 1, frozenset(), purpose)
            async for _ in engine.extend(asked):
                pass
            return asked.cut.ids
        finally:
            await engine.aclose()

    async def there(engine: Http) -> list[int]:
        asked = request(engine, list(engine.template.render("What is 2+3?").ids))
        await said(engine, asked)
        return asked.cut.ids

    assert on_the_engine(server, there) == asyncio.run(here())


def test_how_probable_a_text_is_is_what_transformers_says(server: str) -> None:
    async def both(engine: Http) -> list[list[tuple[float, ...]]]:
        plain = await TransformersModel(model="relay/tiny").open()
        try:
            prompt = list(engine.template.render("What is 2 + 3?").ids)
            texts = [engine.tokenizer.encode(text) for text in ("Wait. Let me think of 23 - 2.", "=", "x" * 40)]
            return [await model.score(prompt, texts) for model in (engine, plain)]
        finally:
            await plain.aclose()

    served_, by_torch = on_the_engine(server, both)
    for one, other in zip(served_, by_torch, strict=True):
        assert one == pytest.approx(other, abs=1e-2)
    assert len({round(value, 2) for one in served_ for value in one}) > 10
    on_the_engine(server, _refuses_what_does_not_fit)


async def _refuses_what_does_not_fit(engine: Http) -> None:
    with pytest.raises(EngineError, match="cannot score 1024 tokens in a context of 1024"):
        await engine.score([40], [[41] * 1023])
    ((*_, last),) = await engine.score([40], [[41] * 1022])
    assert last <= 0
