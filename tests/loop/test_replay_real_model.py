"""Real models, recorded and played again: with their words in the run file, or found where they were."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from relay.store.reader import Run
from tests.loop.test_replay import again, hops

SCENARIO = """
relay: 1
extends: relay/handoff
compare: []
models:
  a: {engine: transformers, model: relay/tiny}
  b: {engine: transformers, model: relay/tiny-guide}
problems: {from: chains, where: {difficulty: 6}, limit: 6}
sampling: {temperature: 1.3, top_p: 1}
budget: {tokens: "{t}"}
sweep: {over: {t: [60, 200]}}
samples: 2
"""
NO_MODEL = """
import sys
class Nobody:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "safetensors"):
            raise ImportError(f"{name} is not for replays")
sys.meta_path.insert(0, Nobody())
from relay.cli import main
main()
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 rollouts of two models with other tokenizers, hot, in two cells."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "s.yaml").write_text(SCENARIO)
    run = [sys.executable, "-c", "from relay.cli import main; main()", "run", str(folder / "s.yaml"), "--record"]
    subprocess.run([*run, "-o", str(folder / "run.relay")], check=True, capture_output=True, timeout=200)
    return folder / "run.relay"


def test_a_real_model_s_run_is_played_again_where_there_is_no_torch(recorded: Path, tmp_path: Path) -> None:
    out = tmp_path / "again.relay"
    command = [sys.executable, "-c", NO_MODEL, "replay", str(recorded), "-o", str(out)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("every hop is equal: ")
    assert hops(out) == hops(recorded)
    with Run(recorded) as was, Run(out) as now:
        assert was.query("SELECT sum(thrown) > 0, count(DISTINCT rollout) FROM step") == [(1, 24)]
        assert was.query("SELECT count(*) FROM call WHERE deltas IS NOT NULL") > [(0,)]
        assert {row.state for row in was.rollouts()} >= {"end", "budget tokens"}
        same = "SELECT rollout, computed, cached, decoded, thrown, ms FROM step ORDER BY rollout, n"
        assert was.query(same) == now.query(same), "what it cost is what it cost"


def test_without_a_recording_the_models_words_are_found_here(recorded: Path, tmp_path: Path, bench: Any) -> None:
    outcome = bench.run(SCENARIO.replace("samples: 2", "samples: 1"))
    found, there = again(outcome.path)
    assert found == []
    assert hops(there) == hops(outcome.path)
