"""relay run --dry: a forecast that runs nothing, and comes true."""

import json
from pathlib import Path
from typing import Any

import pytest

from relay.engine.simulated import Simulated
from relay.errors import EngineError
from relay.store.reader import Run
from tests.cli.conftest import Relay, tree

KNOWN = """\
relay: 1
title: Known
models:
  main: {engine: simulated, solves: {mean: 0.9, icc: 0.3}, recovers: {"0": 0.5}, tokens: {mean: 500, sd: 0.3, problem_sd: 0.3}}
problems: {from: chains, limit: 150}
pool: {samples: 2}
graph:
  start: main
  answer: main
  nodes:
    main:  {write: main, opens_with: {pool: main, take: "{m}", where: correct}, until: [answered]}
    steer: {insert: {pool: main, of: another problem}, take: 0.2}
  edges:
    main: [{when: {visits: main, equals: 1}, to: steer}, {to: end}]
    steer: main
sweep: {over: {m: [0, 0.4]}, also: [{without: steer}]}
select: {problems: {solved: main, at_least: 2/2}}
"""  # noqa: E501


REAL = KNOWN.replace(KNOWN[KNOWN.index("{engine") : KNOWN.index("\nproblems")], "{engine: scripted, says: [Well.]}")


@pytest.fixture
def known(folder: Path) -> Path:
    path = folder / "k.yaml"
    path.write_text(KNOWN)
    return path


def forecast(relay: Relay, *args: str) -> dict[str, Any]:
    said = relay("run", "k.yaml", "--dry", "--json", *args)
    assert said.code == 0, said.err
    found: dict[str, Any] = next(e for e in map(json.loads, said.out.splitlines()) if e["event"] == "forecast")
    return found


@pytest.mark.parametrize("text", [KNOWN, REAL])
@pytest.mark.parametrize("how", [(), ("--calibrate", "40")])
def test_a_forecast_leaves_nothing_behind(relay: Relay, known: Path, how: tuple[str, ...], text: str) -> None:
    if text == REAL and how:
        text = text.replace("[Well.]", "'Well.</think>It is \\boxed{{answer}}.'")
    known.write_text(text)
    before = tree(known.parent.parent)
    said = relay("run", "k.yaml", "--dry", *how)
    assert said.code == 0, said.err
    for word in ("forecast", "solos of main", "m=0.4", "least difference seen", "±"):
        assert word in said.out
    assert tree(known.parent.parent) == before


def test_the_forecast_of_a_pilot_comes_true(relay: Relay, known: Path) -> None:
    found = forecast(relay, "--calibrate", "75")
    assert found["own"]
    assert relay("run", "k.yaml", "-o", "k.relay").code == 0
    with Run(known.parent / "k.relay") as run:
        decoded, problems = run.query("SELECT sum(decoded), (SELECT count(*) FROM problem) FROM hop")[0]
    walked = sum(line["decoded"] for line in found["lines"] if "solos" not in line["what"])
    assert walked == pytest.approx(decoded, rel=0.1)
    assert found["selected"] == pytest.approx(problems, rel=0.1)
    again = forecast(relay, "--calibrate", "20")
    assert not any("solos" in line["what"] for line in again["lines"]), "the pool holds them now"


def test_the_forecast_of_a_rehearsal_comes_true_where_what_is_assumed_is_true(relay: Relay, known: Path) -> None:
    known.write_text(REAL)
    found = forecast(relay, "--tokens", "500")
    assert not found["own"]
    known.write_text(KNOWN.replace("at_least: 2/2", "at_least: 0/2"))  # all problems, as the rehearsal takes it
    assert relay("run", "k.yaml", "-o", "k.relay").code == 0
    with Run(known.parent / "k.relay") as run:
        rows = dict(
            run.query(
                "SELECT c.name, sum(h.decoded) FROM hop h JOIN rollout r ON r.id = h.rollout"
                " JOIN cell c ON c.id = r.cell GROUP BY 1"
            )
        )
    lines = {line["what"]: line for line in found["lines"]}
    assert lines["solos of main"]["number"] == 300
    assert lines["solos of main"]["decoded"] == pytest.approx(300 * 500, rel=0.12)
    for cell, decoded in rows.items():
        assert lines[cell]["decoded"] == pytest.approx(decoded, rel=0.15), cell


def test_a_simulated_model_of_the_scenario_is_rehearsed_as_it_is(relay: Relay, known: Path) -> None:
    found = forecast(relay)
    assert found["own"]
    assert 90 < found["selected"] < 145, "not all are selected"
    assert found["hours"] == pytest.approx(found["tokens"] / 50 / 64 / 3600, rel=0.35)  # its own speed and rows
    assert found["notes"][0].endswith("problems of the pilot were selected")


def test_money_and_hours_are_those_of_the_tokens(relay: Relay, known: Path) -> None:
    known.write_text(REAL)
    found = forecast(relay, "--tokens", "500", "--price", "2,10", "--speed", "50", "--in-flight", "10")
    read = sum(line["computed"] + line["cached"] for line in found["lines"])
    assert found["money"] == pytest.approx((2 * read + 10 * found["tokens"]) / 1e6, rel=0.02)
    assert found["hours"] == pytest.approx(found["tokens"] / 50 / 10 / 3600, rel=0.1)
    two = forecast(relay, "--tokens", "500", "--speed", "50", "--in-flight", "10", "--replicas", "2", "--hourly", "3")
    assert two["hours"] == pytest.approx(found["hours"] / 2, rel=0.1)
    assert two["money"] == pytest.approx(2 * 3 * two["hours"])
    named = forecast(relay, "--tokens", "500", "--price", "main=2,10")
    assert named["money"] == pytest.approx(found["money"])
    assert named["hours"] is None, "nobody said how fast it is"
    unknown = forecast(relay, "--tokens", "500", "--hourly", "3")
    assert unknown["money"] is None
    assert any(note.startswith("hours have a price, but nobody knows") for note in unknown["notes"])
    known.write_text(REAL.replace("problems: {", "  other: {engine: scripted, says: [Well.]}\nproblems: {", 1))
    part = forecast(relay, "--tokens", "500", "--price", "other=2,10")
    assert "of main no price is said: what they cost is left out" in part["notes"]


def test_what_is_assumed_is_said(relay: Relay, known: Path) -> None:
    known.write_text(REAL)
    said = relay("run", "k.yaml", "--dry", "--assume", "accuracy=0.9,icc=0.2,distractors=0")
    assert "accuracy 0.9, ICC 0.2, distractions' sd 0" in said.out
    assert "8,192 tokens are assumed (say --tokens)" in said.out
    assert "say --speed, or --calibrate" in said.out


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--speed", "50"), "say --dry"),
        (("--dry", "--out", "x.relay"), "it runs nothing"),
        (("--dry", "--speed", "fast"), "--speed: 'fast' should be 1 or 2 numbers"),
        (("--dry", "--speed", "0"), "numbers above 0"),
        (("--dry", "--price", "1"), "--price: '1' should be 2 numbers"),
        (("--dry", "--price", "main=-1,4"), "--price: '-1,4' has a negative number"),
        (("--dry", "--price", "man=1,2"), "there is no model 'man' (known: main)"),
        (("--dry", "--assume", "icc=1"), "--assume icc: 1 is not between 0 and 1"),
        (("--dry", "--assume", "luck=1"), "'luck' is nothing that is assumed"),
    ],
)
def test_mistakes_are_told(relay: Relay, known: Path, args: tuple[str, ...], told: str) -> None:
    said = relay("run", "k.yaml", *args)
    assert said.code == 2
    assert told in said.err


JUDGED = """\
relay: 1
models: {a: {engine: scripted, says: x}, j: {engine: scripted, says: x}}
problems: {from: sums, limit: 2}
graph:
  start: draft
  answer: draft
  nodes:
    draft: {write: a, until: [{sentences: 3}, answered]}
    check: {judge: j, ask: " Good or bad? ", labels: [good, bad]}
  edges:
    draft: [{when: answered, to: end}, check]
    check: draft
"""


LABELS = "labels: {good: 1, bad: 0}, score: mean"
WAYS = "check: [{when: {score: check, under: 0.5}, to: draft, drop: draft}, {to: draft}]"


def test_judges_are_rehearsed_too_those_that_weigh_by_lot(relay: Relay, folder: Path) -> None:
    (folder / "j.yaml").write_text(JUDGED)
    said = relay("run", "j.yaml", "--dry")
    assert said.code == 0
    assert "failed" not in said.out + said.err
    weighed = JUDGED.replace("labels: [good, bad]", LABELS).replace("check: draft", WAYS)
    (folder / "j.yaml").write_text(weighed.replace("limit: 2", "limit: 20"))
    dry, again = (relay("run", "j.yaml", "--dry", "--tokens", "400") for _ in range(2))
    assert dry.code == 0
    assert "failed" not in dry.out + dry.err
    assert dry.out == again.out
    known = "{engine: simulated, tokens: {mean: 400}}"
    assert relay("run", "j.yaml", "--set", f"models.a={known}", "--set", f"models.j={known}", "-o", "j.relay").code == 0
    with Run(folder / "j.relay") as run:
        hops = [hop for row in run.rollouts() for hop in run.hops(row.id) if hop.node == "check"]
    scores = [hop.extra.score for hop in hops if hop.extra]
    assert len(set(scores)) == len(hops) > 40, "drawn anew at each visit"
    assert 0.4 < sum(scores) / len(scores) < 0.6
    assert all(hop.usage.seconds > 0 for hop in hops), "virtual ones"


def test_rollouts_that_fail_on_the_way_are_told_with_their_reason(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise EngineError("no luck today")

    monkeypatch.setattr(Simulated, "_is_right", broken)
    said = relay("run", "s.yaml", "--dry")
    assert "note: 4 of 4 rollouts walked for this failed, and count as they came: no luck today" in said.out
