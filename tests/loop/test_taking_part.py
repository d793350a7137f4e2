"""People in the loop: every act is a hop, kept with who asked and when, and comes back when the file is read."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from relay.engine import Delta, Engine, Request
from relay.store.asking import Asked, ask, request, requests_of
from relay.store.opening import opened
from relay.store.reader import Run
from relay.walk import BY_HAND

THINK = """
    relay: 1
    models:
      a: {engine: scripted, says: ["One. ", "Two. ", "Three. ", "Four.</think>The answer is {answer}."]}
    problems: {from: sums, limit: 2}
    graph:
      start: think
      answer: think
      nodes:
        think: {write: a, until: {sentences: 1}}
        other: {insert: {text: "Hm. "}}
      edges:
        think: [{when: answered, to: end}, {when: {visits: other, over: 5}, to: other}, think]
        other: think
    budget: {tokens: 500}
"""


class Gate:
    """An engine that waits until it may speak of this problem, and keeps what it was asked."""

    def __init__(self, inner: Engine, problem: str) -> None:
        self.inner, self.problem = inner, problem
        self.tokenizer, self.template = inner.tokenizer, inner.template
        self.context, self.facts, self.rows = inner.context, inner.facts, inner.rows
        self.open = asyncio.Event()
        self.requests: list[Request] = []

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        if request.purpose.problem.id == self.problem:
            await self.open.wait()
        self.requests.append(request)
        async for delta in self.inner.extend(request):
            yield delta

    async def aclose(self) -> None:
        await self.inner.aclose()


class Person:
    """Somebody who watches one rollout of a run that goes on in this process."""

    def __init__(self, path: Path, gate: Gate, rollout: int = 0) -> None:
        self.path, self.gate, self.rollout = path, gate, rollout

    async def until(self, holds: Callable[[Run], bool]) -> None:
        for _ in range(1500):
            if self.path.exists():
                with opened(self.path) as run:
                    if holds(run):
                        return
            await asyncio.sleep(0.02)
        raise AssertionError("it never came")

    async def asks(self, act: str, pen: str = "0", **data: object) -> Asked:
        """Ask, and wait for what becomes of it."""
        number = ask(self.path, act, self.rollout, pen, **data)
        await self.until(lambda run: request(run, number).taken is not None)
        with opened(self.path) as run:
            return request(run, number)

    async def holds(self) -> None:
        """Pause it before its first word, and wait until it stands after it."""
        await self.until(lambda run: bool(run.query("SELECT 1 FROM rollout WHERE id = ?", self.rollout)))
        assert not (await self.asks("pause")).refused
        self.gate.open.set()
        await self.stands()

    async def stands(self) -> None:
        await self.until(lambda run: run.query(_LIVE, self.rollout) == [(BY_HAND,)])


_LIVE = "SELECT node FROM live WHERE rollout = ?"
Script = Callable[[Person], Awaitable[None]]


async def acting(
    bench: Any, text: str, script: Script, out: str = "out.relay", kind: type[Gate] = Gate, **options: object
) -> tuple[Path, Gate]:
    """Run it while somebody acts on rollout 0."""
    from relay.language.reading import read

    model = read(str(bench.write(text)), {}).cells[0].scenario.models["a"]
    gate = kind(await model.open(), "sum-0000")
    bench.given = {"a": gate}
    running = asyncio.create_task(bench.start(text, out=out, **options))
    try:
        async with asyncio.timeout(60):
            await script(Person(bench.folder / out, gate))
            outcome = await running
    finally:
        running.cancel()
    return outcome.path, gate


def act(bench: Any, script: Script, text: str = THINK, **options: object) -> tuple[Path, Gate]:
    return asyncio.run(acting(bench, text, script, **options))


def told(path: Path, rollout: int = 0) -> list[tuple[str, str | None, str]]:
    with Run(path) as run:
        return [(h.node, h.segment.text if h.segment else None, h.to) for h in run.hops(rollout)]


def thought(path: Path, rollout: int = 0) -> str:
    with Run(path) as run:
        return run.walk(rollout).pens["0"].trajectory.text


async def _inserts(person: Person) -> None:
    await person.holds()
    assert not (await person.asks("insert", text="Wait. ")).refused
    await person.asks("go")


def test_an_inserted_segment_is_read_by_the_next_writer_as_the_old_prefix_plus_the_change(bench: Any) -> None:
    path, gate = act(bench, _inserts)
    assert told(path)[:3] == [
        ("think", "One.", "think"),
        (BY_HAND, "Wait. ", "think"),
        ("think", "Two.", "think"),
    ]
    mine = [r for r in gate.requests if r.purpose.problem.id == "sum-0000"]
    first, second = list(mine[0].prompt), list(mine[1].prompt)
    with Run(path) as run:
        one, two = (hop.segment for hop in run.hops(0)[:2])
        assert one is not None
        assert two is not None
        assert second == [*first, *one.ids, *two.ids]
        assert (two.author, two.model, two.stop, two.text) == (BY_HAND, "human", "inserted", "Wait. ")
        asked = requests_of(run, 0)
    assert [(a.act, a.refused, a.pen) for a in asked] == [("pause", "", "0"), ("insert", "", "0"), ("go", "", "0")]
    assert all(a.who and a.taken is not None and a.taken >= a.asked for a in asked)


async def _vetoes(person: Person) -> None:
    await person.holds()
    assert not (await person.asks("veto", segment=1)).refused
    await person.asks("go")


def test_a_vetoed_segment_is_taken_back_and_paid_for_and_its_author_writes_again(bench: Any) -> None:
    path, gate = act(bench, _vetoes)
    assert told(path)[1] == (BY_HAND, None, "think")
    assert thought(path).startswith("Two")
    mine = [r for r in gate.requests if r.purpose.problem.id == "sum-0000"]
    assert mine[0].prompt == mine[1].prompt
    assert mine[0].seed != mine[1].seed, "another visit draws anew"
    with Run(path) as run:
        assert run.walk(0).pens["0"].tokens == sum(h.usage.decoded + h.usage.thrown for h in run.hops(0))


async def _looks(person: Person) -> None:
    await person.until(lambda run: bool(run.query("SELECT 1 FROM rollout WHERE id = 0")))
    number = ask(person.path, "look")
    await person.until(lambda run: run.meta.get("queue") == {"a": [1, 0]})
    person.gate.open.set()
    with opened(person.path) as run:
        assert (request(run, number).taken is not None, request(run, number).refused) == (True, "")


def test_while_somebody_looks_engines_tell_of_open_segments_and_the_run_how_many_calls_wait(bench: Any) -> None:
    path, gate = act(bench, _looks)
    mine = [r.watched for r in gate.requests if r.purpose.problem.id == "sum-0000"]
    assert mine == [False, True, True, True], "all calls since"
    with Run(path) as run:
        assert run.rollout(0).state == "end"


async def _edits(person: Person) -> None:
    await person.holds()
    with opened(person.path) as run:
        was = run.hops(0)[0].segment
    assert was is not None
    assert not (await person.asks("edit", text=was.text.replace("One", "One or two"))).refused
    await person.asks("go")


def test_an_edited_segment_stands_in_place_of_the_old_one_and_keeps_the_ids_of_what_is_the_same(bench: Any) -> None:
    path, _ = act(bench, _edits)
    with Run(path) as run:
        was, now = (hop.segment for hop in run.hops(0)[:2])
        first = run.walk(0).pens["0"].trajectory.segments[0]
    assert was is not None
    assert now is not None
    assert first == now
    assert now.text == was.text.replace("One", "One or two")
    assert (now.ids[0], now.tokenizer, now.stop) == (was.ids[0], was.tokenizer, "edited")


async def _leads(person: Person) -> None:
    await person.holds()
    assert "no edge leads from think" in (await person.asks("edge", to="nowhere")).refused
    assert not (await person.asks("edge", to="other")).refused
    await person.asks("go")


def test_an_edge_is_chosen_in_place_of_the_one_that_was_taken(bench: Any) -> None:
    path, _ = act(bench, _leads)
    assert [node for node, _, _ in told(path)[:4]] == ["think", BY_HAND, "other", "think"]


async def _calls_back(person: Person) -> None:
    await person.holds()
    while True:
        with opened(person.path) as run:
            if run.hops(0)[-1].rest is not None:
                break
            hops = len(run.hops(0))
        await person.asks("pause")  # while it waits: one step
        await person.until(lambda run, hops=hops: len(run.hops(0)) > hops)  # type: ignore[misc]
        await person.stands()
    assert not (await person.asks("edge", to="think")).refused
    assert not (await person.asks("insert", text="But ")).refused
    await person.asks("go")


def test_a_pen_that_has_come_to_its_end_is_called_back(bench: Any) -> None:
    path, _ = act(bench, _calls_back)
    found = told(path)
    at = next(i for i, hop in enumerate(found) if hop[2] == "end")
    assert found[at + 1 : at + 3] == [(BY_HAND, None, "think"), (BY_HAND, "But ", "think")]
    assert found[-1][2] == "end"
    with Run(path) as run:
        assert run.rollout(0).state == "end"


async def _refused(person: Person) -> None:
    await person.holds()
    for words, data in {
        "no longer the last one": {"act": "edit", "text": "x", "segment": 0},
        "nothing has been written yet": {"act": "veto", "after": "veto"},
        "there is no text": {"act": "insert", "text": ""},
        "closed by the node that answers": {"act": "insert", "text": "So</ think>"},
        "more than the budget holds": {"act": "insert", "text": "many words " * 400},
        "nobody knows what": {"act": "dance"},
    }.items():
        if data.pop("after", None):
            await person.asks("veto")
        said = await person.asks(str(data.pop("act")), **data)
        assert words in said.refused, (words, said)
    person.rollout = 77
    assert "rollout 77 is not under way" in (await person.asks("veto")).refused
    person.rollout = 0
    await person.asks("go")


def test_what_cannot_be_done_is_refused_with_why_and_leaves_no_hop(bench: Any) -> None:
    path, _ = act(bench, _refused)
    assert sum(node == BY_HAND for node, _, _ in told(path)) == 1, "the one veto"


async def _forks(person: Person) -> None:
    await person.holds()
    assert not (await person.asks("fork", n=0, insert=["But no. "])).refused
    assert not (await person.asks("fork", n=-1)).refused
    await person.asks("go")


def test_a_fork_is_a_rollout_of_its_own_with_the_old_prefix_and_the_change_and_in_no_figure(bench: Any) -> None:
    from relay.measure.scores import scores

    path, gate = act(bench, _forks)
    with Run(path) as run:
        forks = run.query("SELECT rollout, of, cell FROM fork ORDER BY rollout")
        assert [(of, cell) for _, of, cell in forks] == [(0, 0), (0, 0)]
        first, second = (number for number, _, _ in forks)
        hops = run.hops(first)
        assert hops[0] == run.hops(0)[0]
        assert hops[1].segment is not None
        assert hops[1].segment.text == "But no. "
        listed = run.rollout(first)
        assert (listed.state, listed.cell, listed.outcome) == ("end", "all · fork of 0", "correct")
        assert run.hops(second)[0].visit == 1
        assert sum(score.graded for score in scores(run)) == 2, "the two of the plan"
        asked = [
            r
            for r in gate.requests
            if r.purpose.sample == run.query("SELECT sample FROM rollout WHERE id = ?", first)[0][0]
        ]
        head = next(r for r in gate.requests if r.purpose.problem.id == "sum-0000").prompt
        assert hops[0].segment is not None
        assert list(asked[0].prompt) == [*head, *hops[0].segment.ids, *hops[1].segment.ids]


def test_a_run_with_acts_is_played_again_hop_by_hop(bench: Any) -> None:
    from relay.replay.whole import differences, lay_out
    from relay.session import Options, resume

    async def script(person: Person) -> None:
        await person.holds()
        await person.asks("insert", text="Wait. ")
        await person.asks("veto")
        await person.asks("edit", text="Eleven. ")
        await person.asks("fork", n=1, insert=["But no. "])
        await person.asks("go")

    path, _ = act(bench, script, record=True)
    out = bench.folder / "again.relay"
    lay_out(path, out)
    asyncio.run(resume(out, Options(pool=bench.folder / "pool.sqlite"), bench.watcher))
    with Run(path) as was, Run(out) as now:
        assert list(differences(was, now)) == []
        assert [r.id for r in was.rollouts()] == [r.id for r in now.rollouts()]


@asynccontextmanager
async def broken_off(bench: Any) -> AsyncGenerator[tuple[Person, asyncio.Task[Any]]]:
    """A run that is cancelled in the end."""
    from relay.language.reading import read

    model = read(str(bench.write(THINK)), {}).cells[0].scenario.models["a"]
    gate = Gate(await model.open(), "sum-0000")
    bench.given = {"a": gate}
    running = asyncio.create_task(bench.start(THINK))
    yield Person(bench.folder / "out.relay", gate), running
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_a_resumed_run_goes_on_after_the_acts_and_its_pauses_are_over(bench: Any) -> None:
    async def first() -> int:
        async with broken_off(bench) as (person, _):
            await person.holds()
            await person.asks("insert", text="Wait. ")
            await person.asks("fork", n=0, insert=["But no. "])
        return ask(person.path, "insert", 0, text="Later. ")

    number = asyncio.run(first())
    path = bench.folder / "out.relay"
    bench.given = {}
    assert told(path)[1:] == [(BY_HAND, "Wait. ", "think")]
    asyncio.run(bench.resume())
    assert [text for node, text, _ in told(path) if node == BY_HAND] == ["Wait. ", "Later. "]
    with Run(path) as run:
        assert [r.state for r in run.rollouts()] == ["end"] * 3
        assert request(run, number).refused == ""
        assert [(a.act, a.who) for a in requests_of(run, 0)][-1] == ("go", ""), "the resume lifted the pause"


def test_forks_are_walked_of_a_run_that_is_over(bench: Any) -> None:
    from relay.session import Options, resume

    path = bench.run(THINK).path
    number = ask(path, "fork", 1, n=1, insert=["Once more. "])
    asyncio.run(resume(path, Options(only_forks=True), bench.watcher))
    with Run(path) as run:
        found = run.rollout(2 + number)
        assert (found.state, found.outcome, found.cell) == ("end", "correct", "all · fork of 1")
        assert run.meta["phase"] == "done"
        assert run.hops(found.id)[:2] == run.hops(1)[:2]
    assert sorted(p.name for p in path.parent.glob("out.relay*")) == ["out.relay"]


def test_a_fork_of_a_run_that_is_over_goes_on_where_it_was_broken_off(bench: Any) -> None:
    from relay.session import Options, resume

    path = bench.run(THINK).path
    number = ask(path, "fork", 0, n=0)

    async def broken() -> None:
        gate = Gate(bench.engines["a"].inner, "sum-0000")
        running = asyncio.create_task(resume(path, Options(only_forks=True), bench.watcher, {"a": gate}))
        await Person(path, gate).until(lambda run: bool(run.query("SELECT 1 FROM fork")))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(broken())
    with Run(path) as run:
        assert run.rollout(2 + number).state == "open"
    found = asyncio.run(resume(path, Options(), bench.watcher))
    assert found.total == 3
    with Run(path) as run:
        assert run.rollout(2 + number).state == "end"
        assert len(run.meta["notes"]) == len(set(run.meta["notes"])), "nothing is told twice"


def test_a_fork_that_is_asked_for_while_the_last_rollout_ends_is_walked(bench: Any) -> None:
    asked: list[int] = []

    class Late(Gate):
        async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
            async for delta in super().extend(request):
                yield delta
            if len(self.requests) == 8:
                asked.append(ask(bench.folder / "out.relay", "fork", 0, n=0))

    from relay.language.reading import read

    model = read(str(bench.write(THINK)), {}).cells[0].scenario.models["a"]
    bench.given = {"a": Late(asyncio.run(model.open()), "")}
    path = bench.run(THINK, in_flight=1).path
    with Run(path) as run:
        assert [request(run, number).made for number in asked] == [2 + asked[0]]
        assert run.rollout(2 + asked[0]).state == "end"
