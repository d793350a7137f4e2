"""`relay twin` through vLLM, end to end: complete cards, the scores of transformers, interrupted and gone on with."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from relay.measure.intervals import wilson
from relay.store.opening import opened

PROGRAM = str(Path(sys.executable).with_name("relay"))
MODELS, GUIDE = ("relay/tiny", "relay/tiny-backtrack"), "relay/tiny-guide"
FEW = ("--set", "problems.limit=24")
MS, NS = ("0", "0.2", "0.4", "0.6", "0.8"), ("0.2", "0.4", "0.6", "0.8")
SURE = 2.576  # 99 %: two intervals of 28 pairs that miss one another are then no accident


class Done(NamedTuple):
    """What a command left: its cards by model, and what it said when it was interrupted and when it had ended."""

    folder: Path
    cards: dict[str, Any]
    interrupted: str
    said: str


def twin(folder: Path, engine: str, *more: str) -> list[str]:
    return [
        PROGRAM, "twin", *MODELS, "--guide", GUIDE, "--engine", engine, "--out", engine, "--pool",
        str(folder / f"{engine}.sqlite"), *FEW, *more,
    ]  # fmt: skip


def cards(folder: Path) -> dict[str, Any]:
    return {m: json.loads((folder / f"card-{m.replace('/', '--')}.json").read_text()) for m in MODELS}


def interrupted(folder: Path, command: list[str], after: int) -> str:
    """Ctrl-C once so many rollouts have ended: what it said."""
    process = subprocess.Popen(
        [*command, "--json"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        for line in process.stdout:
            told = json.loads(line)
            if told.get("phase") == "walking" and told.get("done", 0) >= after:
                break
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: vLLM's processes get it, too
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, said
    return said


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Through vLLM: interrupted once, then to its end."""
    folder = tmp_path_factory.mktemp("served")
    said = interrupted(folder, twin(folder, "vllm"), after=20)
    assert not list((folder / "vllm").glob("card-*"))
    done = subprocess.run(twin(folder, "vllm"), cwd=folder, capture_output=True, text=True, check=False, timeout=1200)
    assert done.returncode == 0, done.stderr + done.stdout
    return Done(folder / "vllm", cards(folder / "vllm"), said, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The cards of the same command through transformers."""
    folder = tmp_path_factory.mktemp("plain")
    command = twin(folder, "transformers")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return cards(folder / "transformers")


def scores(card: Any) -> dict[str, tuple[int, int]]:
    """(Correct, graded) of all that a card tells."""
    found = {}
    for test in card["tests"]:
        for cell in [*test["cells"], {"cell": "alone", **test["alone"]}, {"cell": "steered", **test["steered"]}]:
            found[f"{test['test']} {cell['cell']}"] = (cell["correct"], cell["graded"])
    return found


@pytest.mark.parametrize("model", MODELS)
def test_the_card_is_complete_and_its_counts_are_the_run_s(served: Done, model: str) -> None:
    card = served.cards[model]
    assert card["facts"]["engine"] == "vllm"
    assert card["facts"]["model"] == model
    recoverability, guidability = card["tests"]
    assert [recoverability["test"], guidability["test"]] == ["recoverability", "guidability"]
    assert [cell["cell"] for cell in recoverability["cells"]] == [f"m={m} n=0.4" for m in MS]
    assert [cell["cell"] for cell in guidability["cells"]] == [f"n={n}" for n in NS]
    assert guidability["guide"] == GUIDE
    for test in card["tests"]:
        with opened(served.folder / test["run"]) as run:
            assert run.meta["phase"] == "done"
            counted = dict(
                run.query(
                    "SELECT c.name, count(*) FROM verdict v JOIN rollout r ON r.id = v.rollout "
                    "JOIN cell c ON c.id = r.cell JOIN name n ON n.id = v.verifier WHERE n.text = ? GROUP BY 1",
                    run.verifier,
                )
            )
            stops = {stop for (stop,) in run.query("SELECT DISTINCT coalesce(n.text, 'open') FROM rollout r "
                                                   "LEFT JOIN name n ON n.id = r.stop")}  # fmt: skip
        assert not stops & {"failed", "open"}
        for cell in test["cells"]:
            assert cell["graded"] == counted[cell["cell"]] > 5
            assert cell["interval"]["low"] <= cell["score"] <= cell["interval"]["high"]
            assert -1 <= cell["minus_alone"]["low"] <= cell["minus_alone"]["high"] <= 1
        assert test["alone"]["graded"] == test["problems"] > 5
    page = (served.folder / f"card-{model.replace('/', '--')}.md").read_text()
    assert page.count("| alone |") >= 2
    assert f"card: vllm/card-{model.replace('/', '--')}.md" in served.said


def test_the_scores_are_those_of_transformers_within_the_intervals(served: Done, plain: dict[str, Any]) -> None:
    apart, told = [], 0
    for model in MODELS:
        ours, theirs = scores(served.cards[model]), scores(plain[model])
        assert ours.keys() == theirs.keys()
        for cell in ours:
            a, b = wilson(*ours[cell], SURE), wilson(*theirs[cell], SURE)
            told += 1
            print(f"{model} {cell}: vllm {ours[cell]}, transformers {theirs[cell]}")
            if a.low > b.high or b.low > a.high:
                apart.append((model, cell, ours[cell], theirs[cell]))
    assert told == len(MODELS) * (len(MS) + len(NS) + 4)
    assert apart == []
    best = [scores(card)["recoverability steered"] for card in (served.cards[MODELS[1]], plain[MODELS[1]])]
    worst = [scores(card)["recoverability steered"] for card in (served.cards[MODELS[0]], plain[MODELS[0]])]
    for (a, n), (b, k) in zip(best, worst, strict=True):
        assert wilson(a, n).low > wilson(b, k).high, "the model that learnt to come back does, through either engine"


def test_interrupted_it_said_how_to_go_on_and_nothing_was_done_twice(served: Done) -> None:
    assert "interrupted; to go on: relay twin relay/tiny relay/tiny-backtrack" in served.interrupted
    assert "--engine vllm --out vllm" in served.interrupted
    for run_file in served.folder.glob("*.relay"):
        with opened(run_file) as run:
            rollouts, expected = run.query(
                "SELECT count(*), (SELECT count(*) FROM problem) * (SELECT count(*) FROM cell) FROM rollout"
            )[0]
            doubled = run.query("SELECT count(*) FROM (SELECT 1 FROM hop GROUP BY rollout, pen, n HAVING count(*) > 1)")
        assert rollouts == expected
        assert doubled == [(0,)]


def test_once_more_it_does_nothing_and_the_cards_are_the_same(served: Done) -> None:
    parent = served.folder.parent
    done = subprocess.run(twin(parent, "vllm"), cwd=parent, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("nothing is missing") == 4
    assert cards(served.folder) == served.cards
