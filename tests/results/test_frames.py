"""relay in Python: the page's code runs, its tables name every column, and the frames say what the run file says."""

import asyncio
import re
from pathlib import Path

import pytest

import relay
from relay.errors import UserError
from relay.measure.scores import scores
from relay.store.reader import Run

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def test_the_code_of_the_page_runs_from_its_first_line_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RELAY_POOL", str(tmp_path / "pool.sqlite"))
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert len(code) == 5
    exec(compile("\n".join(code), str(PAGE), "exec"), {})
    assert "m=0.4 n=0.4" in capsys.readouterr().out
    assert (tmp_path / "first.relay").exists()


@pytest.mark.parametrize("name", ["rollouts", "segments", "verdicts", "scores", "gains"])
def test_the_page_names_every_column_and_no_other(name: str, recovered: Path) -> None:
    section = re.search(rf"## `{name}`\n(.*?)(?=\n## |\Z)", PAGE.read_text(), flags=re.DOTALL)
    assert section is not None
    rows = [line.split("|")[1] for line in section[1].splitlines() if line.startswith("| ")]
    told = {column for row in rows for column in re.findall(r"`(\w+)`", row)}
    told |= {"m", "n", "without"} if name == "rollouts" else set()
    assert told == set(getattr(relay.open(recovered), name).columns)


def test_the_frames_hold_every_rollout_segment_and_verdict_of_the_file(recovered: Path) -> None:
    opened = relay.open(recovered)
    rollouts, segments, verdicts = opened.rollouts, opened.segments, opened.verdicts
    with Run(recovered) as run:
        listed = [*run.rollouts()]
        assert list(rollouts.index) == [row.id for row in listed]
        texts = {row.id: "".join(h.segment.text for h in run.hops(row.id) if h.segment) for row in listed}
        counts = {score.cell: (score.correct, score.graded, score.decoded, score.thrown) for score in scores(run)}
    assert segments.groupby("rollout")["text"].agg("".join).to_dict() == texts
    assert verdicts.set_index("rollout")["outcome"].to_dict() == {row.id: row.outcome for row in listed if row.outcome}
    by_cell = rollouts.groupby("cell").agg(
        correct=("correct", "sum"), graded=("correct", "count"), tokens=("tokens", "sum"), thrown=("thrown", "sum")
    )
    assert {cell: tuple(int(n) for n in row) for cell, *row in by_cell.itertuples()} == counts
    assert set(rollouts["m"]) == {0, 0.4, 0.8}
    assert set(rollouts["without"]) == {"", "steer"}


def test_an_undecided_answer_counts_as_not_correct_and_an_ungraded_rollout_is_missing(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "relay: 1\nmodels: {a: {engine: scripted, says: 'Hm.</think>{question}'}}\nproblems: {from: sums, limit: 3}\n"
        "graph: {start: a, answer: a, nodes: {a: {write: a}}, edges: {a: end}}\nverify: none\n"
    )
    run = relay.run(tmp_path / "s.yaml", tmp_path / "r.relay")
    assert list(run.rollouts["correct"].isna()) == [True] * 3
    assert len(run.verdicts) == 0
    assert list(run.verdicts.columns)
    assert len(run.segments) == 3


def test_a_run_within_a_running_loop_ends_as_without(tmp_path: Path) -> None:
    async def in_a_notebook() -> int:
        return len(relay.run("solo", tmp_path / "r.relay", samples=1, **_scripted()).rollouts)

    assert asyncio.run(in_a_notebook()) == 3


def test_a_loaded_scenario_runs_and_takes_no_other_values(tmp_path: Path) -> None:
    loaded = relay.load("solo", samples=1, **_scripted())
    with pytest.raises(UserError, match="cannot be changed"):
        relay.run(loaded, tmp_path / "r.relay", samples=2)
    assert len(relay.run(loaded, tmp_path / "r.relay").rollouts) == 3


def test_what_is_no_run_file_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        relay.open(tmp_path / "none.relay")
    with pytest.raises(UserError, match="samplse"):
        relay.load("solo", samplse=1)


def _scripted() -> dict[str, object]:
    says = {"engine": "scripted", "says": "So.</think>The answer is {answer}."}
    return {"models.main": says, "problems": {"from": "sums", "limit": 3}}
