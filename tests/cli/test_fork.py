"""relay fork: the segments of a rollout, once more from one of them, and what it refuses."""

import json
from pathlib import Path

import pytest
import typer
from pandas import read_parquet

from relay import open as open_run
from relay.store.reader import Run
from tests.cli.conftest import SCENARIO, Relay

STEPS = SCENARIO.replace('says: "Well, let me see.</think>', 'says: ["One. ", "Two.</think>').replace(
    '{answer}."}', '{answer}."]}'
).replace("{write: a}", "{write: a, until: {sentences: 1}}").replace(
    "think: end", "think: [{when: answered, to: end}, think]"
)  # fmt: skip


@pytest.fixture
def run(relay: Relay, folder: Path) -> Path:
    (folder / "s.yaml").write_text(STEPS)
    assert relay("run", "s.yaml", "-o", "run.relay").code == 0
    return folder / "run.relay"


def test_without_a_place_the_segments_are_listed(relay: Relay, run: Path) -> None:
    said = relay("fork", "run.relay", "1").out.splitlines()
    assert said[:2] == ["  0  (the problem)", "  1  think · a: One."]


def test_a_fork_is_walked_graded_and_named(relay: Relay, run: Path) -> None:
    said = relay("fork", "run.relay", "1", "--at", "1", "--insert", "Hm. ", "--insert", "Well. ")
    assert said.code == 0, said
    first, second = said.out.splitlines()[-2:]
    assert (first, second) == ("rollout 5 is a fork of 1: end: correct 14", "relay show run.relay 5")
    with Run(run) as found:
        texts = [h.segment.text for h in found.hops(5) if h.segment]
        assert texts[1:3] == ["Hm. ", "Well. "]
        assert found.query("SELECT count(*) FROM step WHERE rollout = 5")[0][0] == len(texts) - 1, "the first is shared"
    last = json.loads(relay("fork", "run.relay", "5", "--at", "2", "--json").out.splitlines()[-1])
    assert (last["event"], last["rollout"], last["of"], last["state"]) == ("forked", 6, 5, "end")
    assert "fork of 5" in relay("show", "run.relay").out
    assert "no rollout 4 (they go from 0 to 3; forks: 5, 6)" in relay("show", "run.relay", "4").err
    assert "4       4" in relay("report", "run.relay").out, "forks are in no figure"
    assert "nothing is missing, all 4 rollouts have ended" in "".join(relay("run", "--resume", "run.relay")[1:])
    frames = open_run(run)
    assert frames.rollouts["fork"].dropna().to_dict() == {5: 1, 6: 5}
    assert frames.segments.groupby("rollout")["text"].agg("".join)[5] == "".join(texts)
    assert frames.segments.groupby("rollout")["decoded"].sum().to_dict() == frames.rollouts["tokens"].to_dict()
    for name in ("rollouts.parquet", "hops.jsonl"):
        assert relay("export", "run.relay", "--rows", Path(name).stem, "-o", name).code == 0
    assert read_parquet("rollouts.parquet")["fork"].dropna().to_dict() == {4: 1, 5: 5}
    hops = map(json.loads, Path("hops.jsonl").read_text().splitlines())
    assert {(hop["rollout"], hop["fork"]) for hop in hops} >= {(1, None), (5, 1), (6, 5)}
    assert relay("replay", "run.relay", "-o", "again.relay").out.startswith("every hop is equal")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["9", "--at", "1"], "no rollout 9"),
        (["1", "--insert", "Hm."], "--insert: has no place (say --at SEGMENT too)"),
        (["1", "--at", "1", "--insert", "x\udc9b"], "--insert: holds half a character, which is no UTF-8"),
        (["1", "--at", "7"], "--at: there is no segment 7 (rollout 1 has 2)"),
        (["1", "--at", "2"], "--at: the rollout ended with this segment (say --insert TEXT, or an earlier one)"),
        (["1", "--at", "1", "--insert", "a< /Think >"], "--insert: closes the thinking"),
        (["1", "--at", "1", "--insert", ""], "--insert: is empty"),
        (["1", "--at", "1", "--pen", "0.1"], "--pen: there is no pen '0.1'"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(relay: Relay, run: Path, words: list[str], said: str) -> None:
    before = run.read_bytes()
    told = relay("fork", "run.relay", *words)
    assert told.code == 2
    assert said in told.err, told
    assert run.read_bytes() == before


def test_interrupted_a_fork_and_a_credit_name_a_command_that_goes_on(
    relay: Relay, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named: list[str] = []

    def interrupted(work: object, path: Path, again: str, *, as_json: bool) -> None:
        named.append(again)
        raise typer.Exit(130)

    monkeypatch.setattr("relay.cli.credit.drive", interrupted)
    monkeypatch.setattr("relay.cli.fork.drive", interrupted)
    assert relay("fork", "run.relay", "1", "--at", "1", "--sandbox", "none").code == 130
    assert relay("credit", "run.relay", "--by", "a", "--limit", "3").code == 130
    assert named == ["relay run --resume run.relay --sandbox none", "relay credit run.relay --by a --limit 3"]
