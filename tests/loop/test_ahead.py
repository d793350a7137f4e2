"""Ahead of a judge: what is begun on the unjudged text is kept or discarded, and changes nothing but the time."""

import asyncio
from typing import Any

import pytest

from relay.store.reader import Run
from relay.walk import DISCARDED

DRAFTS = """
    relay: 1
    models:
      small: {engine: scripted, seconds: 0.05, says: ["One. ", "Two. ", "Three. ", "Four. "]}
      large: {engine: scripted, seconds: 0.25, says: ["9", "0", "9", "9"]}
      main: {engine: scripted, says: ["Rewritten. ", "Done.</think>\\\\boxed{{answer}}"]}
    problems: {from: sums, limit: 3}
    graph:
      start: draft
      answer: derive
      nodes:
        draft: {write: small, until: {sentences: 1}}
        check: {judge: large, ask: " Score: ", labels: [0, 9], ahead: draft}
        derive: {write: main, until: [{sentences: 1}, answered]}
      edges:
        draft: check
        check:
          - {when: {score: check, under: 7}, to: derive, drop: draft}
          - {when: {visits: draft, at_least: 4}, to: derive}
          - draft
        derive: [{when: answered, to: end}, draft]
"""


def kept(run: Run, number: int) -> list[Any]:
    """The hops that count, without what differs by nature."""
    found = []
    for hop in run.hops(number):
        if hop.extra is None or hop.extra.apart != DISCARDED:
            word = hop.extra and (hop.extra.label, hop.extra.drops)
            found.append((hop.node, hop.visit, hop.segment and hop.segment.text, word or None, hop.to))
    return [(*rest, None if word == ("", "") else word, to) for *rest, word, to in found]


def test_the_thought_is_the_same_as_without_it(bench: Any) -> None:
    ahead = bench.run(DRAFTS)
    plain = bench.run(DRAFTS.replace(", ahead: draft", ""), out="plain.relay")
    with Run(ahead.path) as one, Run(plain.path) as other:
        for number in range(3):
            assert kept(one, number) == kept(other, number)
            assert one.walk(number).pens["0"].trajectory == other.walk(number).pens["0"].trajectory
        assert one.walk(0).pens["0"].trajectory.text == "One.Rewritten.Three.Four.Done.</think>\\boxed{15}"


def test_what_was_begun_and_vetoed_is_kept_as_discarded_and_charged(bench: Any) -> None:
    outcome = bench.run(DRAFTS)
    with Run(outcome.path) as run:
        hops = run.hops(0)
        discarded = [h for h in hops if h.extra and h.extra.apart == DISCARDED]
        assert [(h.node, h.visit, h.segment.text if h.segment else "") for h in discarded] == [
            ("draft", 3, "Three."),  # begun while the judge looked at "Two."
            ("draft", 5, "Four."),  # after the fourth the derivation comes, whatever the judge says
        ]
        spent = sum(h.usage.decoded + h.usage.thrown for h in hops)
        assert run.walk(0).pens["0"].tokens == spent
    for request in bench.engines["main"].requests:
        assert "Two." not in bench.engines["main"].tokenizer.text_of(request.prompt)


def test_a_judge_and_what_is_begun_ahead_of_it_run_side_by_side(bench: Any) -> None:
    slow = (
        DRAFTS.replace("seconds: 0.05", "seconds: 0.3")
        .replace("seconds: 0.25", "seconds: 0.3")
        .replace("limit: 3", "limit: 1")
        .replace('"0", ', '"9", ')
    )
    outcome = bench.run(slow)
    with Run(outcome.path) as run:
        hops = run.hops(0)
        whole = sum(h.usage.seconds for h in hops)
        beside = sum(h.extra.beside for h in hops if h.extra)
        critical = run.walk(0).pens["0"].seconds
    assert critical == pytest.approx(whole - beside, abs=0.01)
    assert beside > 0.7, "three drafts ran while the judge was asked"


def test_a_model_that_fails_ahead_of_its_turn_fails_only_in_its_turn(bench: Any) -> None:
    text = DRAFTS.replace('says: ["One. ", "Two. ", "Three. ", "Four. "]', "says: {sum-0001: [x. ]}")
    text = text.replace("start: draft", "start: derive").replace("derive: [{when: answered, to: end}, draft]",
        "derive: [{when: answered, to: end}, check]").replace("- {when: {visits: draft, at_least: 4}, to: derive}\n",
        "- {when: {score: check, over: 7}, to: derive}\n")  # fmt: skip
    outcome = bench.run(text)
    with Run(outcome.path) as run:
        assert {r.state for r in run.rollouts()} == {"end"}


def test_a_rollout_that_is_left_in_the_middle_leaves_no_task_behind(bench: Any) -> None:
    slow = DRAFTS.replace("seconds: 0.05", "seconds: 30").replace("seconds: 0.25", "seconds: 30")
    outcome = bench.run(f"{slow}\n    budget: {{seconds: 0.3}}\n")
    with Run(outcome.path) as run:
        assert {r.state for r in run.rollouts()} == {"budget seconds"}


@pytest.mark.parametrize("record", [False, True])
@pytest.mark.parametrize("ahead", ["", ", ahead: draft"])
def test_a_run_with_judges_is_played_again_without_models(bench: Any, record: bool, ahead: str) -> None:
    from relay.replay.whole import differences, lay_out
    from relay.session import Options, resume

    outcome = bench.run(DRAFTS.replace(", ahead: draft", ahead), record=record)
    out = bench.folder / "again.relay"
    lay_out(outcome.path, out)
    asyncio.run(resume(out, Options(pool=bench.folder / "pool.sqlite"), bench.watcher))
    with Run(outcome.path) as was, Run(out) as now:
        assert list(differences(was, now)) == []
