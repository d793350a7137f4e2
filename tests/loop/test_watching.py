"""A watcher reads what is being written: what it stops is taken back, is in no later prompt, and was paid for."""

import asyncio
from typing import Any

import pytest

from relay.errors import TimeUpError
from relay.replay.whole import differences, lay_out
from relay.session import Options, resume
from relay.store.reader import Run
from relay.walk import BESIDE, DISCARDED, READING, TAKEN_BACK, Hop
from tests.loop.test_numbers import queries

RULE = """
    relay: 1
    models:
      m: {engine: scripted, says: ["One. Two is bad. Three. ", "Four. Bad bad. ", "So </think>\\\\boxed{{answer}}"]}
    problems: {from: sums, limit: 3}
    graph:
      start: think
      answer: think
      nodes:
        think: {write: m, until: answered}
        guard: {watch: think, trip: {matches: "[Bb]ad"}}
        warn: {insert: {text: " No."}}
      edges:
        think: [{when: answered, to: end}, think]
        guard: [{when: {trips: guard, at_least: 3}, to: refuse}, warn]
        warn: think
"""
JUDGE = """
    relay: 1
    models:
      m: {engine: scripted, delta: token, seconds: 0.3, says: "One. Two. Three. Four. Five. Six. Seven.</think>Yes."}
      j: {engine: scripted, seconds: 0.04, says: [good, good, bad, good, good, good, good, good, good, good, good]}
    problems: {from: sums, limit: 1}
    graph:
      start: think
      answer: think
      nodes:
        think: {write: m, until: answered}
        check: {judge: j, ask: " Good or bad? ", labels: [good, bad]}
        guard: {watch: think, trip: {label: check, equals: bad}}
        stop: {insert: {text: " Stop."}}
      edges:
        think: [{when: answered, to: end}, think]
        guard: stop
        stop: end
"""


def told(hops: list[Hop]) -> list[tuple[str, str, str]]:
    """Node, what it wrote or said, and where it went or why it is apart."""
    found = []
    for hop in hops:
        text = hop.segment.text if hop.segment else (hop.extra.label if hop.extra else "")
        found.append((hop.node, text, hop.extra.apart if hop.extra and hop.extra.apart else hop.to))
    return found


def hops_of(outcome: Any, number: int = 0) -> list[Hop]:
    with Run(outcome.path) as run:
        return run.hops(number)


def way(hops: list[Hop]) -> list[tuple[str, str, str]]:
    """The hops that move the pen."""
    return told([hop for hop in hops if not (hop.extra and hop.extra.apart in BESIDE)])


def test_what_a_rule_stops_is_taken_back_and_its_edge_acts_on_the_pen(bench: Any) -> None:
    hops = hops_of(bench.run(RULE))
    words = "segment matches /[Bb]ad/"
    assert way(hops) == [
        ("think", "One.", "guard"), ("guard", words, "warn"), ("warn", " No.", "think"),
        ("think", "Four.", "guard"), ("guard", words, "warn"), ("warn", " No.", "think"),
        ("think", "So </think>\\boxed{15}", "end"),
    ]  # fmt: skip
    back = [hop for hop in hops if hop.extra and hop.extra.apart == TAKEN_BACK]
    assert [
        hop.segment.text.startswith(t)
        for hop, t in zip(back, (" Two is bad.", " Bad bad."), strict=True)
        if hop.segment
    ] == [True, True]
    assert all(hop.extra.score == 0 for hop in hops if hop.node == "guard" and hop.extra), "a rule is never late"
    with Run(bench.folder / "out.relay") as run:
        assert bench.watcher.tally.hops == sum(len(run.hops(number)) for number in range(3)), "each is counted"


def test_nothing_that_was_taken_back_is_in_a_later_prompt_and_all_of_it_was_paid_for(bench: Any) -> None:
    outcome = bench.run(RULE)
    engine = bench.engines["m"]
    for request in engine.requests:
        assert "bad" not in engine.tokenizer.text_of(request.prompt).lower()
    with Run(outcome.path) as run:
        for number in range(3):
            wrote = [hop for hop in run.hops(number) if hop.segment is not None]
            assert run.walk(number).pens["0"].tokens == sum(
                (h.usage.decoded or len(h.segment.ids)) + h.usage.thrown for h in wrote if h.segment
            )
    fed = sum(len(request.cut.ids) - request.cut.settle().turn_ended for request in engine.requests)
    with Run(outcome.path) as run:
        decoded = sum(h.usage.decoded + h.usage.thrown for n in range(3) for h in run.hops(n))
    assert decoded == fed


def test_after_so_many_trips_it_refuses(bench: Any) -> None:
    outcome = bench.run(RULE.replace('"So </think>\\\\boxed{{answer}}"', '"Still bad. "'))
    with Run(outcome.path) as run:
        assert {r.state for r in run.rollouts()} == {"refuse"}
        assert run.walk(0).pens["0"].visits["guard"] == 3


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ("back: {sentences: 1}", "Ay. Bee. See."),
        ("back: {sentences: 2}", "Ay. Bee."),
        ("back: {sentences: 9}", ""),
        ("back: {share: 1}", ""),
        ("back: {tokens: 1}", "Ay. Bee. See."),
        ("back: {tokens: 10}", "Ay. Bee."),
        ("every: {sentences: 2}", "Ay. Bee."),
        ("every: {sentences: 3}", "Ay. Bee. See."),
        ("every: {tokens: 1}", "Ay. Bee. See. Dee is ba"),
        ("hold: false", "Ay. Bee. See. Dee is bad."),
    ],
)
def test_how_much_is_taken_back(bench: Any, change: str, kept: str) -> None:
    text = RULE.replace('"One. Two is bad. Three. ", "Four. Bad bad. "', '"Ay. Bee. See. Dee is bad. E. "')
    hops = way(hops_of(bench.run(text.replace("trip: {", f"{change}, trip: {{"))))
    assert hops[0] == ("think", kept, "guard")


def test_a_trip_in_the_last_words_is_found_before_they_are_settled(bench: Any) -> None:
    text = RULE.replace('"One. Two is bad. Three. ", "Four. Bad bad. "', '"One. </think>bad"').replace(
        "warn: think", "warn: end"
    )
    hops = hops_of(bench.run(text))
    assert way(hops)[0] == ("think", "One.", "guard")
    with Run(bench.folder / "out.relay") as run:
        assert not run.walk(0).pens["0"].answered


def test_a_judge_reads_beside_the_writer_and_nothing_unread_is_settled(bench: Any) -> None:
    hops = hops_of(bench.run(JUDGE))
    assert way(hops) == [
        ("think", "One. Two.", "guard"), ("guard", "label of check is 'bad'", "stop"), ("stop", " Stop.", "end"),
    ]  # fmt: skip
    readings = [hop for hop in hops if hop.extra and hop.extra.apart == READING]
    assert [(hop.visit, hop.extra.label) for hop in readings if hop.extra] == [(1, "good"), (2, "good"), (3, "bad")]
    assert sum(hop.extra.beside for hop in readings if hop.extra) > 0.05, "they ran while the writer wrote"
    asked = [bench.engines["j"].tokenizer.text_of(r.prompt) for r in bench.engines["j"].requests[:3]]
    assert [text[text.rindex("One") :] for text in asked] == [
        "One. Good or bad? ", "One. Two. Good or bad? ", "One. Two. Three. Good or bad? ",
    ]  # fmt: skip


def test_without_hold_a_trip_may_come_late_and_says_how_late(bench: Any) -> None:
    hops = hops_of(
        bench.run(JUDGE.replace("trip: {label", "hold: false, trip: {label").replace("seconds: 0.04", "seconds: 0.08"))
    )
    think, guard = (
        next(h for h in hops if h.node == n and not (h.extra and h.extra.apart)) for n in ("think", "guard")
    )
    assert think.segment is not None
    assert think.segment.text.startswith("One. Two. Three. Four."), "what was settled stays"
    tokenizer = bench.engines["m"].tokenizer
    late = len(think.segment.ids) - len(tokenizer.encode("One. Two. Three."))
    assert guard.extra is not None
    assert guard.extra.score == late > 0
    with Run(bench.folder / "out.relay") as run:
        assert run.query(queries()["late"], cell="all") == [(late,)], "the report's figure too"


def test_an_answer_that_was_given_before_the_trip_stays_given(bench: Any) -> None:
    slow = JUDGE.replace("trip: {label", "hold: false, trip: {label").replace("seconds: 0.04", "seconds: 0.2")
    outcome = bench.run(slow.replace("seconds: 0.3", "seconds: 0.01"))
    hops = hops_of(outcome)
    think = next(h for h in hops if h.node == "think" and not (h.extra and h.extra.apart))
    assert think.segment is not None
    assert (think.segment.stop, think.turn_ended, think.to) == ("turn", True, "guard")


def test_the_time_that_a_judge_lacks_leaves_what_it_has_passed(bench: Any) -> None:
    slow = JUDGE.replace("seconds: 0.04", "seconds: 0.2").replace("seconds: 0.3", "seconds: 0.05")
    outcome = bench.run(f"{slow}    budget: {{seconds: 0.5}}\n")
    with Run(outcome.path) as run:
        assert {r.state for r in run.rollouts()} == {"budget seconds"}
        assert "Three" not in run.walk(0).pens["0"].trajectory.text


def test_a_judge_that_fails_fails_the_rollout(bench: Any) -> None:
    text = JUDGE.replace("says: [good, good, bad,", "says: {sum-0002: [good, good, bad,").replace(
        "good, good]}", "good, good]}}"
    )
    with Run(bench.run(text).path) as run:
        assert {r.state for r in run.rollouts()} == {"failed"}


def test_a_judge_for_whom_time_is_up_ends_the_rollout_as_time_that_is_up(bench: Any) -> None:
    from relay.engine.scripted import TEMPLATE, Scripted, shipped
    from relay.seam.templates import Template

    def late(request: Any) -> str:
        raise TimeUpError("it was up before this call")

    bench.given = {"j": Scripted(shipped(), Template(shipped(), TEMPLATE), late)}
    with Run(bench.run(JUDGE).path) as run:
        assert {r.state for r in run.rollouts()} == {"budget seconds"}


TWO = JUDGE.replace(
    "guard: {watch: think,",
    "rule: {watch: think, every: {tokens: 1}, trip: {contains: Four}}\n        guard: {watch: think,",
).replace("guard: stop", "guard: stop\n        rule: refuse")


@pytest.mark.parametrize(
    ("words", "first"), [("[good, good, bad, good]", "guard"), ("[good, good, good, bad]", "rule")]
)
def test_of_two_watchers_the_one_who_trips_earlier_in_the_text_acts(bench: Any, words: str, first: str) -> None:
    text = TWO.replace("[good, good, bad, good, good, good, good, good, good, good, good]", words)
    hops = way(hops_of(bench.run(text)))
    kept = "One. Two." if first == "guard" else "One. Two. Three."
    assert hops[0] == ("think", kept, first)


def test_a_watcher_that_is_passed_over_does_not_watch(bench: Any) -> None:
    text = (
        RULE.replace("sums, limit: 3}", "sums, limit: 1}") + "    sweep: {over: {x: [1]}, also: [{without: guard}]}\n"
    )
    outcome = bench.run(text.replace('text: " No."', 'text: "{x}"').replace("x: [1]", 'x: [" No."]'))
    with Run(outcome.path) as run:
        assert [run.walk(n).pens["0"].visits.get("guard", 0) for n in range(2)] == [2, 0]
        assert "bad" in run.walk(1).pens["0"].trajectory.text


BRANCHES = (
    RULE.replace("start: think", "start: fork")
    .replace("nodes:", "nodes:\n        fork: {branch: think, times: 3}\n        best: {pick: vote}")
    .replace("edges:", "edges:\n        fork: best\n        best: end")
    .replace("to: end}, think]", "to: join}, think]")
)


def test_each_pen_of_a_branch_is_watched_by_itself(bench: Any) -> None:
    outcome = bench.run(BRANCHES)
    with Run(outcome.path) as run:
        walk = run.walk(0)
        assert [walk.pens[f"0.{i}"].visits["guard"] for i in range(3)] == [2, 2, 2]
        assert {r.outcome for r in run.rollouts()} == {"correct"}


@pytest.mark.parametrize("record", [False, True])
@pytest.mark.parametrize(
    "text", [RULE, JUDGE, JUDGE.replace("trip: {label", "hold: false, trip: {label"), TWO, BRANCHES]
)
def test_a_watched_run_is_played_again_to_the_token(bench: Any, text: str, record: bool) -> None:
    outcome = bench.run(text, record=record)
    out = bench.folder / "again.relay"
    lay_out(outcome.path, out)
    asyncio.run(resume(out, Options(pool=bench.folder / "pool.sqlite"), bench.watcher))
    with Run(outcome.path) as was, Run(out) as now:
        assert [str(d) for d in differences(was, now)] == []


def test_a_trip_is_not_torn_apart_by_a_kill(bench: Any) -> None:
    """What was taken back, what was kept and the watcher's edge are one: no prefix of the file's flushes parts them."""
    from relay.events import HopCommitted
    from relay.runtime import rollout

    async def groups() -> list[list[str]]:
        from relay.language.reading import read
        from relay.prepare.jobs import Jobs, RunPlan, cell_plans, systems
        from relay.prepare.problem_sets import load_problems

        reading = read(str(bench.write(RULE)))
        scenario = reading.cells[0].scenario
        engines = {name: await model.open(deterministic=True) for name, model in scenario.models.items()}
        problems = load_problems(scenario.problems, reading.folder, 0).problems
        plan = RunPlan(problems, cell_plans(reading), 1, engines, systems(reading))
        job = Jobs(plan).job(plan.begun(0))
        return [
            [hop.node for hop in (*event.before, event.hop)]
            async for event in rollout(job.walk, job.stage)
            if isinstance(event, HopCommitted)
        ]

    assert asyncio.run(groups()) == [
        ["think", "think", "guard"], ["warn"], ["think", "think", "guard"], ["warn"], ["think"],
    ]  # fmt: skip


def test_readings_of_what_is_taken_back_count_as_discarded(bench: Any) -> None:
    """A slow judge finds fault with the first sentence when a quick one has read on."""
    text = JUDGE.replace("seconds: 0.04, says: [good, good, bad,", "seconds: 0.2, says: [bad,").replace(
        "problems:",
        "  q: {engine: scripted, seconds: 0.01, says: [good, good, good, good, good, good, good]}\n    problems:",
    )
    text = text.replace(
        "        guard: {watch",
        '        quick: {judge: q, ask: " Good? ", labels: [good, bad]}\n'
        "        other: {watch: think, trip: {label: quick, equals: bad}}\n        guard: {watch",
    ).replace("guard: stop", "guard: stop\n        other: end")
    hops = hops_of(bench.run(text))
    assert [h.extra.apart for h in hops if h.node == "check" and h.extra] == [READING]
    quick = [h.extra.apart for h in hops if h.node == "quick" and h.extra]
    assert quick[0] == READING
    assert len(quick) > 1
    assert set(quick[1:]) == {DISCARDED}
    assert way(hops)[0] == ("think", "", "guard")


USED = """
    relay: 1
    models:
      m: {engine: scripted, says: ["One. Two. Three.", "So </think>\\\\boxed{{answer}}"]}
      j: {engine: scripted, says: [good, bad, good]}
    problems: {from: sums, limit: 1}
    graphs:
      inner:
        start: think
        answer: think
        nodes:
          think: {write: m, until: [answered]}
          check: {judge: j, ask: " Good or bad? ", labels: [good, bad]}
          guard: {watch: think, trip: {label: check, equals: bad}}
        edges:
          think: end
          guard: [{when: {trips: guard, at_least: 3}, to: refuse}, think]
    graph:
      start: step
      answer: step
      nodes: {step: {use: inner}}
      edges: {step: end}
"""


def test_a_graph_in_use_brings_its_watcher_along(bench: Any) -> None:
    hops = hops_of(bench.run(USED))
    assert way(hops) == [
        ("step.think", "One.", "step.guard"), ("step.guard", "label of step.check is 'bad'", "step.think"),
        ("step.think", "So </think>\\boxed{15}", "step"), ("step", "", "end"),
    ]  # fmt: skip


def test_two_judges_who_trip_at_one_sentence_stop_the_writer_once(bench: Any) -> None:
    """The second interrupts a writer that has not taken the first one's word yet."""
    text = JUDGE.replace("says: [good, good, bad, good, good, good, good, good, good, good, good]", "says: bad")
    judge = '        fine: {judge: j, ask: " Bad? ", labels: [bad, ok]}\n'
    other = "        other: {watch: think, trip: {label: fine, equals: bad}}\n"
    text = text.replace("        stop: {", f"{judge}{other}        stop: {{")
    outcome = bench.run(text.replace("guard: stop", "guard: stop\n        other: stop"))
    with Run(outcome.path) as run:
        assert {row.state for row in run.rollouts()} == {"end"}
    assert way(hops_of(outcome))[0] == ("think", "", "guard")
