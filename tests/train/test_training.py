"""Training for real: it learns, it goes on after a kill as if nothing had been, and what it writes loads."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from relay.train.recipes import RECIPES

SMALL = replace(RECIPES["tiny"], width=32, layers=1, heads=2, batch=8, steps=12)
PROGRAM = """
import os, sys
os.environ["OMP_NUM_THREADS"] = "1"
from pathlib import Path
from tests.train.test_training import SMALL
from relay.train.training import train

def tell(step):
    print(step.done, flush=True)

train(SMALL, int(sys.argv[2]), Path(sys.argv[1]), tell, save_every=4)
"""
ROOT = Path(__file__).parents[2]


def start(folder: Path, seed: int = 3) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, str(folder), str(seed)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def steps_of(process: subprocess.Popen[str]) -> list[int]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return [int(line) for line in out.split()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "model"
    assert steps_of(start(folder)) == list(range(1, 13))
    return folder


def test_killed_and_started_again_it_becomes_the_same_model(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    process = start(folder)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 7:
            process.send_signal(signal.SIGKILL)
            break
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not (folder / "model.safetensors").exists()
    steps = steps_of(start(folder))
    assert steps[0] in (5, 9)  # from the last checkpoint, not from the start
    assert steps[-1] == 12
    assert (folder / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert (folder / "tokenizer.json").read_bytes() == (whole / "tokenizer.json").read_bytes()


def test_a_half_written_checkpoint_is_passed_over(tmp_path: Path) -> None:
    from relay.train.training import whole_checkpoint

    assert whole_checkpoint(tmp_path) is None
    for steps, written in ((500, True), (1000, True), (1500, False)):
        (tmp_path / f"checkpoint-{steps}").mkdir()
        if written:
            (tmp_path / f"checkpoint-{steps}" / "trainer_state.json").write_text("{}")
    assert whole_checkpoint(tmp_path) == tmp_path / "checkpoint-1000"


def test_another_seed_makes_another_model(whole: Path, tmp_path: Path) -> None:
    steps_of(start(tmp_path / "model", seed=4))
    assert (tmp_path / "model" / "model.safetensors").read_bytes() != (whole / "model.safetensors").read_bytes()
    assert (tmp_path / "model" / "tokenizer.json").read_bytes() == (whole / "tokenizer.json").read_bytes()


def test_what_it_writes_loads_and_says_what_made_it(whole: Path) -> None:
    from relay.engine.loading import load
    from relay.engine.transformers import TransformersModel

    loaded = load(TransformersModel(model=str(whole)))
    head = loaded.template.render("Compute 1 + 2.")
    assert head.thinking == "template"
    assert head.text == "<|user|>Compute 1 + 2.<|end|><|assistant|><think>"
    assert loaded.slots
    facts = json.loads((whole / "training.json").read_text())
    assert (facts["recipe"], facts["seed"], facts["steps"]) == ("tiny", 3, 12)
    assert facts["parameters"] == int(loaded.facts["parameters"])
    assert facts["tokens"] > 1000
    assert "# relay/tiny" in (whole / "README.md").read_text()
