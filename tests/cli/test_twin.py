"""relay twin: forecast, runs, cards; stopped and gone on with; mistakes told before anything is done."""

import asyncio
import json
from pathlib import Path

import pytest

from relay.store.reader import Run
from tests.cli.conftest import Relay
from tests.loop.conftest import Bench
from tests.loop.test_twin_scripted import RECOVERABILITY, model

SMALL = (
    "--set", "problems.limit=4", "--set", "pool.samples=2", "--set", "sweep.over.m=[0,0.4]",
    "--set", "sweep.also=[{without: steer}]",
)  # fmt: skip
EASY = ("--set", "select.problems.at_least=1/2")


def test_a_model_that_ships_gets_a_card(relay: Relay, folder: Path) -> None:
    command = ("twin", "relay/tiny", "--out", "t", *SMALL, *EASY)
    said = relay(*command)
    assert said.code == 0, said.err
    made = json.loads((folder / "t" / "card-relay--tiny.json").read_text())
    (test,) = made["tests"]
    assert made["facts"]["engine"] == "transformers"
    assert made["facts"]["model"] == "relay/tiny"
    with Run(folder / "t" / test["run"]) as run:
        counted = run.query("SELECT count(*) FROM verdict")[0][0]
    assert sum(cell["graded"] for cell in test["cells"]) + test["alone"]["graded"] == counted > 0
    assert "| alone |" in (folder / "t" / "card-relay--tiny.md").read_text()
    assert "card: t/card-relay--tiny.md" in said.out

    again = relay(*command)
    assert again.code == 0
    assert "nothing is missing" in again.err
    assert json.loads((folder / "t" / "card-relay--tiny.json").read_text()) == made

    other = relay(*command, "--set", "seed=5")
    assert other.code == 2
    assert "was begun with other models, problems or values" in other.err

    costs = relay(*command, "--forecast", "--json")
    (cost,) = map(json.loads, costs.out.splitlines())
    assert cost["problems"] == 4
    assert cost["solos"] == 8
    with Run(folder / "t" / test["run"]) as run:
        walked, decoded = run.query("SELECT (SELECT count(*) FROM rollout), (SELECT sum(decoded) FROM hop)")[0]
    assert walked <= cost["rollouts"]
    assert decoded < cost["tokens"]
    assert 0 < cost["likely"] < cost["tokens"], "the pool holds this model's solos now"


def test_two_models_share_their_problems_and_spoilers_are_looked_for(relay: Relay, folder: Path) -> None:
    command = ("twin", "relay/tiny", "relay/tiny-backtrack", "--guide", "relay/tiny-guide", "--out", "t")
    said = relay(*command, "--set", "problems.limit=5")
    assert said.code == 0, said.err
    assert "relay/tiny-backtrack: its solos, by which the shared problems are selected" in said.err
    assert "minus rate" in said.out
    keys = []
    for name in ("relay--tiny", "relay--tiny-backtrack"):
        recover, guide = json.loads((folder / "t" / f"card-{name}.json").read_text())["tests"]
        assert recover["shared"]
        assert guide["spoilers_looked_for"]["steers"] == guide["spoilers_looked_for"]["looked_at"] > 0
        assert guide["steered"]["corrected"]["graded"] == guide["steered"]["graded"] - guide["steered"]["spoilers"]
        for test in (recover, guide):
            with Run(folder / "t" / test["run"]) as run:
                keys.append({problem.id for problem in run.problems})
    assert keys[:2] == keys[2:]

    again = relay(*command, "--set", "problems.limit=5")
    assert again.code == 0
    assert again.err.count("nothing is missing") == 4
    assert "loading" not in again.err
    assert "grading" not in again.err


def test_a_forecast_does_nothing(relay: Relay, folder: Path) -> None:
    before = sorted(folder.iterdir())
    said = relay("twin", "no/such-model", "--forecast", "--out", "t")
    assert said.code == 0
    assert "recoverability of no/such-model" in said.out
    assert sorted(folder.iterdir()) == before


def test_every_mistake_is_told_before_anything_is_done(relay: Relay, folder: Path) -> None:
    said = relay("twin", "a/b", "a/b", "--problems", "gsm9k", "--engine", "vlm", "--out", "t")
    assert said.code == 2
    assert "is named twice" in said.err
    assert "gsm9k" in said.err
    assert "vlm" in said.err
    assert "Traceback" not in said.err
    assert not (folder / "t").exists()


def test_a_model_that_is_not_there_leaves_no_folder(relay: Relay, folder: Path) -> None:
    said = relay("twin", "relay/tiny", "--engine", "http", "--set", "models.main.url=http://127.0.0.1:9", "--out", "t")
    assert said.code == 2
    assert "nobody answers there" in said.err
    assert not (folder / "t").exists()


def test_a_recorded_test_is_played_again(relay: Relay, folder: Path) -> None:
    assert relay("twin", "relay/tiny", "--record", "--out", "t", *SMALL, *EASY).code == 0
    said = relay("replay", "t/recoverability-relay--tiny.relay", "-o", "again.relay")
    assert said.code == 0, said.out
    assert "every hop is equal" in said.out
    with Run(folder / "again.relay") as run:
        assert run.query("SELECT count(*) FROM rollout")[0][0] > 3


def test_a_test_begun_without_a_recording_gets_none_later(relay: Relay, folder: Path) -> None:
    assert relay("twin", "relay/tiny", "--out", "t", *SMALL, *EASY).code == 0
    said = relay("twin", "relay/tiny", "--record", "--out", "t", *SMALL, *EASY)
    assert said.code == 2
    assert "was begun without --record" in said.err


def test_it_says_how_to_go_on() -> None:
    import typer

    from relay.cli import build
    from relay.cli.options import command_again

    command = typer.main.get_command(build()).get_command(None, "twin")  # type: ignore[attr-defined]
    args = [
        "a b",
        "c",
        "--guide",
        "g",
        "--guide",
        "h",
        "--set",
        "seed=1",
        "--in-flight",
        "3",
        "--sandbox",
        "none",
        "--json",
    ]
    context = command.make_context("twin", list(args))
    assert command_again(context, out=Path("runs/t")) == (
        "relay twin 'a b' c --guide g --guide h --out runs/t --set seed=1 --in-flight 3 --sandbox none --json"
    )


def test_what_is_no_twin_test_is_refused(relay: Relay) -> None:
    assert relay("run", "s.yaml", "-o", "a.relay").code == 0
    said = relay("report", "a.relay", "--paper")
    assert said.code == 2
    assert "a.relay: is no twin test" in said.err


def test_the_report_prints_it(relay: Relay, folder: Path) -> None:
    bench = Bench(folder)
    bench.given = {"main": model(lambda read, request: True)}
    asyncio.run(bench.start_canned("recoverability", RECOVERABILITY, "r.relay"))
    said = relay("report", "r.relay", "--paper")
    assert said.code == 0
    assert "published: recoverability" in said.out
    assert "AM-Thinking-32B" in said.out
    assert '"own": true' in relay("report", "r.relay", "--paper", "--json").out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--guide", "relay/tiny-gide"), "model 'relay/tiny-gide': relay knows no model of this name"),
        (("--out", "s.yaml"), "--out s.yaml: s.yaml is no folder"),
        (("--each", "pape"), "--each pape: there is no preset 'pape' (did you mean 'paper'?)"),
        (("--set", "models.guide.dtype=float16"), "no run has a guide"),
        (("--guide", ""), "--guide: has no name"),
    ],
)
def test_what_would_fail_late_is_told_before_a_token_is_spent(
    relay: Relay, folder: Path, options: tuple[str, ...], told: str
) -> None:
    for more in ((), ("--forecast",)):
        said = relay("twin", "relay/tiny", "--set", "problems.limit=8", *options, *more)
        assert said.code == 2
        assert told in said.err
        assert len(said.err.splitlines()) == 1
        assert not said.out
    assert not (folder / "runs").exists()


def test_each_knob_has_a_folder_of_its_own() -> None:
    from relay.cli.twin_each import folders

    assert folders(["budget.tokens", "let.cut"]) == ["tokens", "cut"]
    assert folders(["budget.tokens", "pool.tokens", "let.all"]) == ["budget.tokens", "pool.tokens", "let.all"]


def test_a_guide_that_solves_nothing_leaves_the_other_tests_their_card(relay: Relay, folder: Path) -> None:
    said = relay("twin", "relay/tiny", "--guide", "relay/tiny-calc", "--out", "t", "--set", "problems.limit=3")
    assert said.code == 1
    assert "guidability-relay--tiny-by-relay--tiny-calc.relay: nothing was run: select: no problem of 3" in said.err
    made = json.loads((folder / "t" / "card-relay--tiny.json").read_text())
    assert [test["test"] for test in made["tests"]] == ["recoverability"]
    (absent,) = made["not_run"]
    assert (absent["test"], absent["guide"]) == ("guidability", "relay/tiny-calc")
    assert absent["why"].startswith("select: no problem of 3 was solved")
    page = (folder / "t" / "card-relay--tiny.md").read_text()
    assert "## Guidability, guided by relay/tiny-calc\n\nNothing was run: select: no problem of 3 was solved" in page
    assert sorted(path.name for path in (folder / "t").glob("*.relay")) == ["recoverability-relay--tiny.relay"]


def test_where_no_test_has_a_problem_nothing_is_left(relay: Relay, folder: Path) -> None:
    said = relay("twin", "relay/tiny-calc", "--out", "t", "--set", "problems.limit=4", "--set", "pool.samples=8")
    assert said.code == 2
    assert said.err.splitlines()[-1].startswith("select: no problem of 4 was solved 8 of 8 times by main")
    assert not (folder / "t").exists()


def test_a_run_that_was_killed_as_it_began_is_begun_anew(relay: Relay, folder: Path) -> None:
    from relay.store.writer import RunWriter

    path = folder / "t" / "recoverability-relay--tiny.relay"
    RunWriter.create(path).close(finished=False)
    assert relay("report", str(path)).code == 2, "it holds nothing"
    said = relay("twin", "relay/tiny", "--out", "t", *SMALL, *EASY)
    assert said.code == 0, said.err
    assert (folder / "t" / "card-relay--tiny.md").exists()
