"""What other programs read: Inspect's log, and messages with a reward."""

import json
from pathlib import Path
from textwrap import dedent

import pytest

import relay
from relay.exports import inspect_log, verifiers_rows
from relay.exports.segments import rollouts
from relay.measure.scores import scores
from relay.store.reader import Run
from tests.loop.branching import SCENARIO

LIMITED = """\
relay: 1
title: Ends of all kinds
models: {a: {engine: scripted, says: "One. Two. Three. Four.</think>The answer is {answer}."}}
problems: {from: sums, limit: 3}
graph:
  start: a
  answer: a
  nodes: {a: {write: a, until: [{sentences: 1}]}}
  edges: {a: [{when: answered, to: end}, a]}
budget: {tokens: 4}
"""


def exported(path: Path, out: Path) -> dict[str, object]:
    with Run(path) as run, out.open("w") as file:
        inspect_log.write(run, file)
    found: dict[str, object] = json.loads(out.read_text())
    return found


@pytest.fixture
def limited(tmp_path: Path) -> Path:
    (tmp_path / "s.yaml").write_text(LIMITED)
    return relay.run(tmp_path / "s.yaml", tmp_path / "limited.relay").path


def test_the_log_has_a_sample_for_each_rollout_and_a_message_for_each_segment(recovered: Path, tmp_path: Path) -> None:
    log = exported(recovered, tmp_path / "log.json")
    samples = log["samples"]
    assert isinstance(samples, list)
    assert (log["version"], log["status"]) == (2, "success")
    assert len({(s["id"], s["epoch"]) for s in samples}) == len(samples)
    with Run(recovered) as run:
        rows = [*run.rollouts()]
        told = {score.cell: score.score for score in scores(run)}
        for row, sample in zip(rows, samples, strict=True):
            segments = [hop.segment for hop in run.hops(row.id) if hop.segment]
            contents = [message["content"] for message in sample["messages"][1:]]
            texts = ["".join(part.get("reasoning", part.get("text")) for part in content) for content in contents]
            assert texts == [segment.text for segment in segments]
            assert sample["messages"][0]["content"] == run.problem_of(row.id).question
            assert sample["scores"]["math"]["value"] == {"correct": "C", "wrong": "I", "undecided": "N"}[row.outcome]
            assert "</think>" not in sample["output"]["completion"]
    metrics = log["results"]["scores"][0]["metrics"]  # type: ignore[index]
    assert {name.removeprefix("accuracy "): metric["value"] for name, metric in metrics.items()} == told


def test_rollouts_that_a_budget_ended_say_so(limited: Path, tmp_path: Path) -> None:
    log = exported(limited, tmp_path / "log.json")
    assert [s["limit"] for s in log["samples"]] == [{"type": "token", "limit": 4.0, "reason": "budget tokens"}] * 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["recovered", "limited"])
def test_inspect_reads_the_log_and_keeps_all_of_it(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Where inspect_ai is installed: it wants other versions than ours, so that no environment of relay's has it."""
    logs = pytest.importorskip("inspect_ai.log", reason="inspect_ai is not installed")
    log = exported(request.getfixturevalue(kind), tmp_path / "log.json")
    read = logs.read_eval_log(str(tmp_path / "log.json"))
    logs.write_eval_log(read, str(tmp_path / "log.eval"))
    again = logs.read_eval_log(str(tmp_path / "log.eval"))
    assert len(again.samples) == len(log["samples"])  # type: ignore[arg-type]


def test_a_training_row_holds_the_whole_completion_and_who_wrote_which_part(recovered: Path) -> None:
    with Run(recovered) as run:
        rows = [*verifiers_rows.rows(run)]
        listed = [*run.rollouts()]
        texts = ["".join(h.segment.text for h in run.hops(row.id) if h.segment) for row in listed]
    assert [row["completion"][0]["content"] for row in rows] == texts
    assert [row["reward"] for row in rows] == [float(row.outcome == "correct") for row in listed]
    assert {author for row in rows for author in (s["author"] for s in row["info"]["segments"])} == {"main", "steer"}
    for row, text in zip(rows, texts, strict=True):
        assert "".join(segment["text"] for segment in row["info"]["segments"]) == text


def test_a_rollout_s_text_is_the_thought_it_came_to_and_the_frame_rebuilds_it(tmp_path: Path) -> None:
    """Judges' words, dropped drafts, what a watcher took back, and pens that were not picked are no part of it."""
    (tmp_path / "s.yaml").write_text(dedent(SCENARIO))
    frames = relay.run(tmp_path / "s.yaml", tmp_path / "b.relay", samples=3)
    segments = frames.segments
    rebuilt = segments[segments["kept"]].groupby("rollout")["text"].agg("".join)
    with Run(frames.path) as run:
        thoughts = [run.walk(row.id).pens["0"].trajectory.text for row in run.rollouts()]
        assert [row["text"] for row in rollouts(run)] == thoughts
    assert list(rebuilt.reindex(range(12), fill_value="")) == thoughts
    assert {"kept", "dropped", "a judge's", "another pen's"} <= set(segments["became"])
    assert set(segments[segments["apart"] == ""]["became"]) <= {"kept", "dropped", "another pen's"}
