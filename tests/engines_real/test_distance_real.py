"""The distance of steers through vLLM is that through transformers."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from relay.distance.measuring import measure
from relay.distance.steers import ids_of, steers
from relay.engine.transformers import Transformers
from relay.engine.vllm import Vllm
from relay.language.reading import read
from relay.measure.distances import distances
from relay.replay.source import Source
from relay.session import Options, start
from relay.store.reader import Run
from tests.loop.conftest import Silent

pytestmark = pytest.mark.asyncio(loop_scope="session")

FEW = {
    "models.main": "{engine: vllm, model: relay/tiny}", "problems.limit": "12", "pool.samples": "2",
    "select": "{limit: 6, problems: {solved: main, at_least: 2/2}}", "sweep.over": "{m: [0, 0.6], n: [0.4]}",
}  # fmt: skip


async def test_each_steer_is_as_far_as_transformers_says(served: Vllm, plain: Transformers, tmp_path: Path) -> None:
    path, before = tmp_path / "r.relay", tmp_path / "before.relay"
    await start(read("recoverability", FEW), path, Options(pool=tmp_path / "pool"), Silent(), {"main": served})
    shutil.copy(path, before)
    said = await measure(path, Silent(), {"main": served})
    assert said.steers >= 10
    assert said.failed == 0
    with Run(path) as run:
        found = {
            hop: logprob / tokens for hop, tokens, logprob in run.query("SELECT hop, tokens, logprob FROM distance")
        }
        assert [each.cell for each in distances(run)] == ["m=0 n=0.4", "m=0.6 n=0.4", "all cells"]
    worst = 0.0
    with closing(Source(before)) as source:
        for steer in steers(source, read("recoverability", FEW)):
            ids = ids_of(steer, source, plain.tokenizer, {})
            (each,) = await plain.score(ids.before, [ids.steer])
            worst = max(worst, abs(found.pop(steer.step) - sum(each) / len(each)))
    print(f"at most {worst:.1e} nats a token apart")
    assert not found
    assert worst < 1e-2
