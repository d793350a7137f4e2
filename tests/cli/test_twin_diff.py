"""relay twin diff and relay twin --each: what a knob moved, said; mistakes in a line."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from relay.cli import twin_each
from relay.language.reading import read
from relay.twin.plan import Wish, parts_of
from tests.cli.conftest import Relay
from tests.loop.conftest import Bench
from tests.loop.test_twin_scripted import RECOVERABILITY, model
from tests.twin.test_diff import STITCH, lost_after_wait


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three runs: b differs from a in the stitch, c in that and in the baseline."""
    bench = Bench(tmp_path_factory.mktemp("runs"))
    for name, sets in (("a", {}), ("b", STITCH), ("c", {**STITCH, "let.baseline": "false"})):
        bench.given = {"main": model(lost_after_wait)}
        asyncio.run(bench._go(read("recoverability", {**RECOVERABILITY, **sets}), f"{name}.relay"))
    return bench.folder


@pytest.fixture
def runs(folder: Path, made: Path) -> None:
    """These, in the folder that commands run in."""
    for run in made.glob("?.relay"):
        shutil.copy(run, folder)


@pytest.mark.usefixtures("runs")
def test_it_says_what_one_knob_moved(relay: Relay) -> None:
    said = relay("twin", "diff", "a.relay", "b.relay")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    stitch = 'what stands before a distraction (let.stitch): "\\nWait. Let me think\\n" -> "\\nLet me think.\\n"'
    assert lines[:2] == ["Recoverability: a.relay -> b.relay", f"  {stitch}"]
    assert lines[2].startswith("  a.relay: steered 40.0, fresh solos 100.0, difference -60.0 (")
    assert lines[3].startswith("  b.relay: steered 100.0, fresh solos 100.0, difference +0.0 (")
    assert lines[4].startswith("  This knob moved the score by +60.0 (")
    assert lines[4].endswith(", on the 12 problems in both.")
    assert lines[5].startswith("  The difference to fresh solos moved by +60.0 (")


@pytest.mark.usefixtures("runs")
def test_several_knobs_moved_it_together(relay: Relay) -> None:
    said = relay("twin", "diff", "a.relay", "c.relay").out
    assert "These 2 knobs together moved the score by +60.0" in said
    assert "c.relay: steered 100.0, no fresh solos; 12 problems" in said
    assert "--each OTHER" in said
    plain = json.loads(relay("twin", "diff", "a.relay", "c.relay", "--json").out)
    assert [knob["path"] for knob in plain["knobs"]] == ["let.stitch", "let.baseline"]
    assert plain["score"]["mean"] == pytest.approx(0.6)
    assert plain["effect"] is None


@pytest.mark.usefixtures("runs")
def test_two_folders_are_compared_run_by_run(relay: Relay, folder: Path) -> None:
    for name in ("a", "b"):
        (folder / f"of-{name}").mkdir()
        (folder / f"{name}.relay").rename(folder / f"of-{name}" / "r.relay")
    assert "of-a/r.relay -> of-b/r.relay" in relay("twin", "diff", "of-a", "of-b").out
    said = relay("twin", "diff", "of-a", "of-b/r.relay")
    assert (said.code, said.err) == (
        2,
        "of-a and of-b/r.relay: are a folder and a run (take two runs or two folders)\n",
    )
    (folder / "none").mkdir()
    said = relay("twin", "diff", "of-a", "none")
    assert said.code == 2
    assert "hold no two runs of the same name" in said.err


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("command", "mistake"),
    [
        ("a.relay s.relay", "a.relay and s.relay: are runs of different tests (take two of the same one)"),
        ("a.relay x.relay", "x.relay: no such run file"),
        ("a.relay", "relay twin diff: RUN is missing"),
        ("a.relay b.relay --jsn", "relay twin diff: no option --jsn (did you mean --json?)"),
    ],
)
def test_what_cannot_be_compared_is_a_mistake(command: str, mistake: str, relay: Relay) -> None:
    assert relay("run", "s.yaml", "-o", "s.relay").code == 0
    said = relay("twin", "diff", *command.split())
    assert said.code == 2
    assert mistake in said.err
    assert "Traceback" not in said.err


def test_a_model_of_that_name_is_written_as_a_path(relay: Relay) -> None:
    said = relay("twin", "./diff", "--forecast")
    assert said.code == 0
    assert "recoverability of ./diff" in said.out


SMALL = (
    "--set", "problems.limit=3", "--set", "pool.samples=2", "--set", "sweep.over.m=[0]",
    "--set", "select.problems.at_least=1/2",
)  # fmt: skip


def test_knob_by_knob(relay: Relay, folder: Path) -> None:
    (folder / "own.yaml").write_text('extends: relay/strict\nlet: {stitch: "\\n", baseline: false}\n')
    command = ("twin", "relay/tiny", "--each", "own.yaml", "--out", "t", *SMALL)
    said = relay(*command)
    assert said.code == 0, said.err
    for step in ("first", "stitch", "baseline", "all"):
        assert (folder / "t" / step / "recoverability-relay--tiny.relay").exists()
        assert (folder / "t" / step / "card-relay--tiny.md").exists()
    table = said.out[said.out.index("moved by") :].splitlines()
    assert [line.split("  ")[0].strip() for line in table[1:5]] == [
        "as it is", "what stands before a distraction (let.stitch)", "whether fresh solos stand beside (let.baseline)",
        "all of these",
    ]  # fmt: skip
    rows = [json.loads(line) for line in relay(*command, "--json").out.splitlines()]
    moved = {row["step"]: row for row in rows if row["event"] == "moved"}
    assert [knob["path"] for knob in moved["all"]["knobs"]] == ["let.stitch", "let.baseline"]
    assert moved["baseline"]["score"]["mean"] == 0, "it turns nothing that is steered"


def test_a_test_that_a_knob_does_not_turn_is_not_run_again(folder: Path) -> None:
    """A stitch is in one of the two tests."""
    wish = Wish(["relay/tiny"], ["relay/tiny-guide"])
    recover, guide = (part.file for part in parts_of(wish))
    (folder / "first").mkdir()
    for name in (recover, guide):
        (folder / "first" / name).write_text(name)
    twin_each.reuse(wish, twin_each.Step("stitch", "", "", {"let.stitch": '"\\n"'}), folder)
    assert [path.name for path in (folder / "stitch").iterdir()] == [guide]
    assert (folder / "stitch" / guide).read_text() == guide
    twin_each.reuse(wish, twin_each.Step("cut", "", "", {"let.cut": "after"}), folder)
    assert not (folder / "cut").exists()


def test_a_knob_that_leaves_nothing_to_run_is_said_and_the_others_run(relay: Relay, folder: Path) -> None:
    (folder / "own.yaml").write_text("extends: relay/strict\nlet: {shortest: {tokens: 4096}, cut: nearest}\n")
    said = relay("twin", "relay/tiny", "--each", "own.yaml", "--out", "t", *SMALL)
    assert said.code == 0, said.err
    assert "shortest: nothing was run: select: " in said.out
    assert (folder / "t" / "cut" / "card-relay--tiny.md").exists()
    assert not (folder / "t" / "shortest").exists()


def test_steps_are_forecast(relay: Relay, folder: Path) -> None:
    said = relay("twin", "relay/tiny", "--each", "paper", "--forecast")
    assert said.code == 0
    assert "--each paper: so much 6 times" in said.out
    assert "cut: where a cut falls (let.cut) nearest" in said.out
    same = relay("twin", "relay/tiny", "--each", "strict", "--forecast")
    assert same.code == 2
    assert "--each strict: differs in no knob from relay/strict" in same.err
