"""Runs of models behind servers: recorded or not, with faults on the way, played again without a server."""

import asyncio
from pathlib import Path

import pytest

from relay.language.reading import read
from relay.replay.whole import differences, lay_out
from relay.session import Options, Outcome, resume, start
from relay.store.reader import Run
from tests.engine.stand_in import StandIn, words_in
from tests.loop.conftest import Silent

SCENARIO = """\
relay: 1
models:
  a: {{engine: http, model: stand/in, url: "{url}", tokenizer: {words}}}
  b: {{engine: http, model: stand/in, url: "{url}", tokenizer: {words}}}
problems: {{from: sums, limit: 3}}
graph:
  start: first
  answer: [first, second]
  nodes:
    first:  {{write: a, until: {{tokens: 12}}}}
    second: {{write: b, until: {{tokens: 12}}}}
  edges:
    first:  [{{when: answered, to: end}}, {{to: second}}]
    second: [{{when: answered, to: end}}, {{to: first}}]
budget: {{tokens: 60}}
"""


def walked(tmp_path: Path, *, record: bool, faults: tuple[str, ...] = (), api: str = "vllm") -> tuple[Outcome, StandIn]:
    """A run of two hands of one served model."""

    async def work() -> Outcome:
        async with server.open():
            said = SCENARIO.format(url=server.base, words=words_in(tmp_path))
            (tmp_path / "s.yaml").write_text(said)
            server.faults.extend(["", "", "", *faults])  # nothing hurts while it is asked what it can
            return await start(
                read(str(tmp_path / "s.yaml"), {}), tmp_path / "run.relay", Options(record=record), Silent()
            )

    server = StandIn(api)
    return asyncio.run(work()), server


@pytest.mark.parametrize("record", [True, False])
def test_a_failure_is_counted_once_though_the_model_has_two_names(record: bool, tmp_path: Path) -> None:
    outcome, server = walked(tmp_path, record=record, faults=("429", "429"))
    assert server.hurt["429"] == 2
    with Run(outcome.path) as run:
        assert outcome.failed == 0
        assert run.meta["failures"] == {"a": {"429": 2, "given up": 0}}


@pytest.mark.parametrize("api", ["vllm", "sglang", "text"])
@pytest.mark.parametrize("record", [True, False])
def test_a_run_of_served_models_is_played_again_without_a_server(record: bool, api: str, tmp_path: Path) -> None:
    outcome, _ = walked(tmp_path, record=record, faults=("cut", "reset midway"), api=api)
    lay_out(outcome.path, tmp_path / "again.relay")
    asyncio.run(resume(tmp_path / "again.relay", Options(), Silent()))
    with Run(outcome.path) as was, Run(tmp_path / "again.relay") as now:
        assert list(differences(was, now)) == []
        assert now.query("SELECT count(*) FROM step")[0][0] > 3


@pytest.mark.parametrize("record", [True, False])
def test_rollouts_that_failed_fail_again_with_the_same_words(record: bool, tmp_path: Path) -> None:
    outcome, server = walked(tmp_path, record=record, faults=("refused", "", "refused"))
    assert server.hurt["refused"] == outcome.failed == 2
    lay_out(outcome.path, tmp_path / "again.relay")
    asyncio.run(resume(tmp_path / "again.relay", Options(), Silent()))
    with Run(outcome.path) as was, Run(tmp_path / "again.relay") as now:
        assert list(differences(was, now)) == []
        assert [row.why for row in was.rollouts()] == [row.why for row in now.rollouts()]
