"""Random relays, walked by the loop itself: what was promised of every prompt, checked on every prompt.

RELAY_RELAYS=2000 pytest tests/seam/test_relays.py walks so many of each kind.
"""

import asyncio
import gzip
import json
import os
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.engine import Delta, Request, Sampling
from relay.engine.scripted import Scripted, shipped
from relay.folding import fold
from relay.language.graph import Exit, Graph
from relay.node import Act, Desk, Limits
from relay.node.insert import Insert
from relay.node.pick import Pick
from relay.node.write import Write
from relay.pool import Solo
from relay.prepare.jobs import CellPlan, Jobs, RunPlan
from relay.problems import Problem
from relay.runtime import rollout
from relay.seam.cuts import CLOSING
from relay.seam.policies import policy
from relay.seam.templates import Template
from relay.seam.tokens import CLOSE, Tokenizer
from relay.trajectory import Segment, Trajectory
from relay.walk import Hop, begin
from tests.conftest import SHARED
from tests.seam.vocabularies import WORDS, byte_level, metaspace, word_level

EXAMPLES = int(os.environ.get("RELAY_RELAYS", "150"))
PROBLEM = Problem("p", "What is 2+3?", "5")
HEADS = "<question>\n{{ messages[0].content }}\n<think>\n"
TAGS = ["<think>", "</think>"]
OWN = [
    WORDS,
    "So $x=5.$ Then\n\n\\[ a. b \\]\n1. One\n2. Two e.g. 3.14... ok? (Yes!) \n\n\n  `a. b`\n",
    "naïve “quotes” — ok? 漢字。是。 e\u0301 👩‍👩‍👧 ½\n\tx  y   z\n",
]
HOSTILE = [
    "</think>",
    "< / THINK >",
    "</th",
    "ink>",
    "<|end|>",
    "<|im_end|>",
    "<tool>",
    " ",
    "  ",
    "\n",
    "\n\n",
    "=",
    ".",
]
STEERS = ["Wait. ", "\nWait. Let me think", " so </think> is a tag", "<|end|>", "  🎉", "e\u0301 = ", "\n\n"]
HALVES = [b"\xf0\x9f", "🎉".encode(), b"\xc3", "é".encode()]


# --- who may write


class Fork:
    """Two pens start here."""

    def act(self, desk: Desk) -> Act:
        return Act(branches=2, starts="n1")


def _signs(texts: Sequence[str]) -> str:
    found = set().union(*texts, *HOSTILE, *STEERS, "🎉é", map(chr, range(32, 127)), *TAGS)
    return "".join(found)


@pytest.fixture(scope="module")
def texts(request: pytest.FixtureRequest) -> list[str]:
    """What is written: the tests' own words, or real traces."""
    if request.param == "own words":
        return OWN
    if not SHARED.is_dir():
        pytest.skip("the real traces (../shared) are not here")
    found: list[str] = []
    for path in sorted((SHARED / "traces").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows = map(json.loads, lines)
            found += [f"{row['reasoning'] or ''}{row['response'] or ''}".replace("▁", "_") for row in rows]
    return found


@pytest.fixture(scope="module")
def vocabularies(texts: list[str], request: pytest.FixtureRequest) -> list[Tokenizer]:
    """One of every kind; the first four have one base vocabulary. SmolLM2's is among them where it is installed."""
    tokenizers = [
        byte_level(["<|end|>", *TAGS, "<|user|>", "<tool>"], ["<|end|>"]),
        byte_level(["<|over|>", "<|im_end|>", "<tool>", *TAGS, "<|end|>"], ["<|im_end|>", "<|over|>"]),
        byte_level(["<|user|>", "<|im_end|>"], ["<|im_end|>"]),
        byte_level(["<|end|>", *TAGS, "<|user|>", "<tool>"], ["<tool>"]),  # as the first, but for what ends its turn
        shipped(),
        metaspace(["<bos>", *TAGS, "<end_of_turn>"], ["<end_of_turn>"], opens="<bos>"),
        word_level(_signs(texts), ["<|end|>", *TAGS], ["<|end|>"]),
    ]
    with suppress(pytest.skip.Exception):
        tokenizers.append(request.getfixturevalue("smollm2"))
    return tokenizers


class Overheard(Scripted):
    """An engine that keeps what it was asked, by pen, node and visit."""

    asked: dict[tuple[str, str, int], Request]

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        _, _, node, visit, pen = request.purpose
        self.asked[pen, node, visit] = request._replace(prompt=request.prompt.copy())
        async for delta in super().extend(request):
            yield delta


def engine(tokenizer: Tokenizer, texts: Sequence[str], *, by_token: bool) -> Overheard:
    one = _by_bytes(tokenizer)

    def says(request: Request) -> Sequence[int]:
        """Pieces of the texts, with all that a model may also write between them."""
        drawn = Random(request.seed)
        ids: list[int] = []
        for _ in range(drawn.randint(1, 6)):
            text = drawn.choice(texts)
            start = drawn.randrange(len(text))
            some = text[start : start + drawn.randint(1, 60)]
            match drawn.randint(0, 9):
                case 0 | 1:
                    ids += tokenizer.encode(drawn.choice(HOSTILE))
                case 2:
                    tags = sorted(tokenizer.special.values())
                    ids.append(
                        tokenizer.think.close if tokenizer.think and drawn.random() < 0.6 else drawn.choice(tags)
                    )
                case 3:
                    ids += [i for c in some[:8] for i in tokenizer.encode(c)]  # letter by letter
                case 4:
                    ids += [one[b] for b in drawn.choice(HALVES) if b in one]
                case _:
                    ids += tokenizer.encode(some)
        return ids

    made = Overheard(tokenizer, Template(tokenizer, HEADS), says, delta="token" if by_token else "segment")
    made.asked = {}
    return made


@cache
def _by_bytes(tokenizer: Tokenizer) -> dict[int, int]:
    found = ((tokenizer.bytes_of([i]), i) for i in range(tokenizer.size))
    return {data[0]: i for data, i in found if len(data) == 1}


# --- what is drawn


class Relay(NamedTuple):
    """A random graph with its writers."""

    writers: list[int]  # the vocabulary of each
    by_token: bool
    nodes: list[tuple[str, Any]]
    exits: list[list[tuple[int, int]]]  # of each node: from which visit on, where to
    answer: list[int]
    forked: bool
    seed: int


UNTIL = st.sampled_from(
    [
        {"until": {"sentences": 1}},
        {"until": {"sentences": 2}},
        {"until": {"paragraphs": 1}},
        {"until": {"tokens": 1}},
        {"until": {"tokens": 7}},
        {"until": {"tokens": 40}},
        {"until": ({"text": "="}, {"text": ". "}, {"tokens": 30})},
        {"until": ({"text": "e"}, {"sentences": 1})},
        {"until": ("answered", {"sentences": 1})},
        {},
    ]
)


@st.composite
def relays(draw: st.DrawFn, kinds: int) -> Relay:
    kind = st.sampled_from([0, 1, *range(kinds)])  # more of the two that have one base vocabulary
    writers = [draw(kind) for _ in range(draw(st.integers(2, 4)))]
    who = st.integers(0, len(writers) - 1)
    node = st.one_of(
        st.tuples(st.just("write"), st.tuples(who, UNTIL)),
        st.tuples(st.just("write"), st.tuples(who, UNTIL)),
        st.tuples(st.just("steer"), st.sampled_from(STEERS)),
        st.tuples(
            st.just("pool"), st.tuples(who, st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.sampled_from(["", *STEERS]))
        ),
    )
    nodes = draw(st.lists(node, min_size=4, max_size=7))
    inside = st.integers(1, len(nodes) - 1)
    later = st.tuples(st.integers(2, 4), st.integers(1, len(nodes)))  # the number behind the last is the end
    exits = [[(1, draw(inside)), *draw(st.lists(later, max_size=2))] for _ in nodes]
    answer = draw(st.lists(st.integers(0, len(nodes) - 1), min_size=1, max_size=3, unique=True))
    return Relay(writers, draw(st.booleans()), nodes, exits, answer, draw(st.booleans()), draw(st.integers(0, 2**32)))


def graph_of(relay: Relay) -> Graph:
    nodes: dict[str, Any] = {"fork": Fork(), "best": Pick.model_validate({"pick": {"best": "n1"}})}
    edges: dict[str, tuple[Exit, ...]] = {"fork": (Exit(None, "best", 0),), "best": (Exit(None, "end", 0),)}
    names = [*(f"n{i}" for i in range(len(relay.nodes))), "end"]
    for name, (kind, how), ways in zip(names, relay.nodes, relay.exits, strict=False):
        if kind == "write":
            nodes[name] = Write.model_validate({"write": f"w{how[0]}", **how[1]})
        elif kind == "steer":
            nodes[name] = Insert.model_validate({"insert": {"text": how}})
        else:
            pick = {"pool": f"w{how[0]}", "of": "this problem"}
            nodes[name] = Insert.model_validate({"insert": pick, "take": how[1], "stitch": how[2]})
        far = ["fork" if relay.forked and name == "n0" else names[to] for _, to in ways]
        edges[name] = (
            *(
                Exit(_from(name, visit), to, i)
                for i, ((visit, _), to) in enumerate(zip(ways[1:], far[1:], strict=True))
            ),
            Exit(None, far[0], len(ways)),
        )
    return Graph("n0", frozenset(f"n{i}" for i in relay.answer), nodes, edges, frozenset())


def _from(name: str, visit: int) -> Any:
    return lambda pen, luck: pen.visits[name] >= visit


def walked(relay: Relay, vocabularies: Sequence[Tokenizer], texts: Sequence[str]) -> tuple[list[Hop], Jobs]:
    """Walk it to its end: its hops in order, and what it was made of."""
    engines = {
        f"w{i}": engine(vocabularies[kind], texts, by_token=relay.by_token) for i, kind in enumerate(relay.writers)
    }
    drawn = Random(relay.seed)
    units: dict[str, Solo] = {}
    for i, (kind, how) in enumerate(relay.nodes):
        if kind == "pool":
            name, tokenizer = f"w{how[0]}", engines[f"w{how[0]}"].tokenizer
            text = drawn.choice(texts)[:400]
            ids, thought = tuple(tokenizer.encode(text)), drawn.choice([len(text), len(text) * 3 // 4])
            units[f"n{i}"] = Solo("q", "5", name, 0, "", text, ids, tokenizer.fingerprint, thought, "wrong")
    cell = CellPlan(graph_of(relay), Limits(tokens=500, hops=14), Sampling(), relay.seed)
    jobs = Jobs(RunPlan([PROBLEM], [cell], 1, engines, {}, lambda _: units))
    hops: list[Hop] = []

    async def walk() -> None:
        job = jobs.job(jobs.plan.begun(0))
        async for event in rollout(job.walk, job.stage):
            if hasattr(event, "hop"):
                hops.append(event.hop)

    asyncio.run(walk())
    return hops, jobs


# --- what was promised


def view(reader: Tokenizer, author: Tokenizer | None, segment: Segment) -> tuple[str, list[int]]:
    """The policy, and how the reader is to see a segment: the rule, written down anew."""
    if author is None:
        return "text", reader.encode(segment.text)
    name = policy(author, reader).name
    if name == "ids":
        return name, list(segment.ids)
    if name == "text":
        thought = segment.text[: max(0, segment.closed)]
        if reader.think is None or not thought:
            return name, reader.encode(segment.text)
        rest = segment.text[len(thought) :]
        return name, [*reader.encode(thought.removesuffix(CLOSE)), reader.think.close, *reader.encode(rest)]
    assert name == "ids with map"
    tags = {i: text for text, i in author.added.items()}
    ids: list[int] = []
    for i in segment.ids:
        there = reader.added.get(tags.get(i, ""))
        if i not in tags:
            ids.append(i)
        else:
            ids += reader.encode(tags[i]) if there is None or there in reader.eos else [there]
    return name, ids


def authors_of(jobs: Jobs) -> Mapping[str, Tokenizer]:
    return {e.tokenizer.fingerprint: e.tokenizer for e in jobs.plan.engines.values()}


def check_segments(hops: Sequence[Hop], relay: Relay, jobs: Jobs) -> None:
    authors = authors_of(jobs)
    answering = {f"n{i}" for i in relay.answer}
    for hop in hops:
        segment = hop.segment
        if segment is None or not segment.tokenizer:
            continue
        author = authors[segment.tokenizer]
        assert author.bytes_of(segment.ids) == segment.text.encode()
        if hop.source:
            _, (_, share, stitch) = relay.nodes[int(hop.node[1:])]
            before, solo = author.encode(stitch), jobs.job(jobs.plan.begun(0)).stage.units[hop.node]
            assert list(segment.ids[: len(before)]) == before  # never one token out of the stitch and what follows it
            if share == 1:
                assert segment.text == stitch + solo.text[: solo.thought]
                assert solo.thought < len(solo.text) or segment.ids[len(before) :] == solo.ids
        if segment.model in jobs.plan.engines:  # who writes now, not a steer
            assert author.eos.isdisjoint(segment.ids)
            if hop.node not in answering:
                assert segment.closed == -1
                assert author.think is None or author.think.close not in segment.ids


def check_prompt(request: Request, path: Trajectory, reader: Tokenizer, head: Sequence[int], jobs: Jobs) -> int:
    """One prompt: the head and the ids of the path. Gives how many of them came as text."""
    authors, recoded, expected = authors_of(jobs), 0, list(head)
    for segment in path.segments:
        name, ids = view(reader, authors.get(segment.tokenizer), segment)
        expected += ids
        recoded += len(ids) if name == "text" else 0
    assert request.prompt == expected
    tail = request.prompt[len(head) :]
    assert reader.bytes_of(tail) == path.text.encode()
    assert reader.eos.isdisjoint(tail)
    return recoded


def check_closing(path: Trajectory, answering: set[str]) -> None:
    """Who wrote the last character of each closing: an answering node, or a steer, which may speak of the tag."""
    ends: list[tuple[int, Segment]] = []
    for segment in path.segments:
        ends.append(((ends[-1][0] if ends else 0) + len(segment.text.encode()), segment))
    for match in CLOSING.finditer(path.text.encode()):
        by = next(segment for end, segment in ends if match.end() <= end)
        assert by.author in answering or by.stop == "steer", (by, path.text)


@pytest.mark.parametrize("texts", ["own words", "real traces"], indirect=True)
def test_every_prompt_of_a_relay_is_the_ids_of_its_path(texts: list[str], vocabularies: list[Tokenizer]) -> None:
    seen = {"prompts": 0, "text": 0, "ids with map": 0, "ids": 0, "closed": 0, "pens": 0}
    lossy = [t.lossy for t in vocabularies]

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(relay=relays(len(vocabularies)))
    def check(relay: Relay) -> None:
        hops, jobs = walked(relay, vocabularies, texts)
        check_segments(hops, relay, jobs)
        walk, answering = begin("n0"), {f"n{i}" for i in relay.answer}
        last: dict[tuple[str, str], list[int]] = {}  # the last prompt of each model along each pen's path
        for hop in hops:
            path = walk.pens[hop.pen].trajectory
            for name, made in jobs.plan.engines.items():
                assert isinstance(made, Overheard)
                request = made.asked.get((hop.pen, hop.node, hop.visit))
                if request is None:
                    continue
                head = made.template.render(PROBLEM.question).ids
                assert hop.recoded == check_prompt(request, path, made.tokenizer, head, jobs)
                ended = request.cut.settle().turn_ended
                assert hop.usage.decoded + hop.usage.thrown + ended == len(request.cut.ids)  # each was paid for once
                before = next((last[p, name] for p in _upwards(hop.pen) if (p, name) in last), [])
                assert request.prompt[: len(before)] == before
                last[hop.pen, name] = request.prompt
                seen["prompts"] += 1
            walk = fold(walk, hop)
            check_closing(walk.pens[hop.pen].trajectory, answering)
            seen["closed"] += hop.segment is not None and hop.segment.closed >= 0
        seen["pens"] += len(walk.pens)
        _count(seen, walk.pens["0"].trajectory, jobs)

    check()
    assert [t.lossy for t in vocabularies] == lossy
    assert min(seen.values()) >= EXAMPLES // 20, seen  # every kind of thing has come up
    print(seen)


def _upwards(pen: str) -> list[str]:
    """A pen and those that it came from, nearest first."""
    parts = pen.split(".")
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]


def _count(seen: dict[str, int], path: Trajectory, jobs: Jobs) -> None:
    authors = authors_of(jobs)
    for segment in path.segments:
        for reader in authors.values():
            author = authors.get(segment.tokenizer)
            seen["text" if author is None else policy(author, reader).name] += 1


@pytest.mark.parametrize("texts", ["own words", "real traces"], indirect=True)
def test_every_text_comes_back_from_every_vocabulary_or_it_is_said(
    texts: list[str], vocabularies: list[Tokenizer]
) -> None:
    for tokenizer in vocabularies:
        before, lost = tokenizer.lossy, 0
        for text in [*texts[:9], *(re.sub(r"\s", "▁", t[:50]) for t in texts[:3])]:
            lost += tokenizer.text_of(tokenizer.encode(text)) != text
        assert tokenizer.lossy - before == lost
