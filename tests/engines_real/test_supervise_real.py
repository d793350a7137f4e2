"""A supervisor over real engines: it stops the writer within 16 tokens of the trip, and what it took back is gone."""

import json
from pathlib import Path
from typing import Any

import pytest

from relay.engine import Engine
from relay.engine.scripted import ScriptedModel
from relay.engine.vllm import Vllm
from relay.language.reading import read
from relay.node.reading_along import Reader, Readers
from relay.seam.watched import Place, WatchedCut
from relay.session import Options, start
from relay.store.reader import Run
from relay.walk import TAKEN_BACK, TRIP
from tests.loop.conftest import Recording, Silent

MOST = 16  # tokens that a writer may write behind the trip
FEW = {"problems.limit": "24", "sweep": "{over: {hold: [true, false]}}"}


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("engine", ["transformers", "vllm"])
async def test_a_rule_stops_a_writer_within_sixteen_tokens(
    engine: str, served: Vllm, plain: Engine, tmp_path: Path
) -> None:
    """With `hold: false` the step that tripped stays, so that what was taken back are the tokens behind the trip."""
    heard = Recording(served if engine == "vllm" else plain, closes=False)
    path = tmp_path / "out.relay"
    await start(read("supervise", FEW), path, Options(pool=tmp_path / "pool"), Silent(), {"main": heard})
    trips, behind = 0, list[int]()
    with Run(path) as run:
        cells = run.cells
        for row in run.rollouts():
            for hop in run.hops(row.id):
                trips += hop.source == TRIP
                if row.cell == cells[1] and hop.extra and hop.extra.apart == TAKEN_BACK and hop.segment:
                    behind.append(hop.segment.tokens)
    print(json.dumps({"engine": engine, "trips": trips, "tokens behind the trip": max(behind)}))
    assert trips >= 12
    assert len(behind) >= 6, "most trips fall inside what came at once"
    assert max(behind) <= MOST
    held = [r for r in heard.requests if isinstance(r.cut, WatchedCut)]
    assert any(" * " in heard.tokenizer.text_of(r.cut.ids) for r in held), "it did what is forbidden"


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("engine", ["transformers", "vllm"])
async def test_a_judge_stops_a_writer_within_sixteen_tokens_of_its_word(
    engine: str, served: Vllm, plain: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the moment at which the word is there; while it is asked the writer goes on, and that is taken back too."""
    words: list[tuple[WatchedCut, int, bool]] = []
    asks = Readers._ask

    async def ask(self: Readers, reader: Reader, place: Place, cut: WatchedCut) -> str:
        label = await asks(self, reader, place, cut)
        if label:
            words.append((cut, len(cut.ids), cut.ended))
        return label

    monkeypatch.setattr(Readers, "_ask", ask)
    text = """
    extends: relay/supervise
    models: {judge: {engine: scripted, seconds: 0.01, says: [fine, unsafe]}}
    graph:
      nodes:
        check: {judge: judge, ask: " Fine? ", labels: [fine, unsafe]}
        guard: {watch: think, trip: {label: check, equals: unsafe}, hold: true}
    sweep: null
    problems: {limit: 24}
    """
    (tmp_path / "s.yaml").write_text(text)
    judge = await ScriptedModel(engine="scripted", says=("fine", "unsafe"), seconds=0.01).open()
    engines: dict[str, Any] = {"main": Recording(served if engine == "vllm" else plain, closes=False), "judge": judge}
    path = tmp_path / "out.relay"
    await start(read(str(tmp_path / "s.yaml")), path, Options(pool=tmp_path / "pool"), Silent(), engines)
    behind = [len(cut.ids) - known for cut, known, _ in words]
    stopped = sum(not ended for *_, ended in words)
    print(
        json.dumps(
            {"engine": engine, "trips": len(behind), "while it wrote": stopped, "tokens behind the word": max(behind)}
        )
    )
    assert len(behind) >= 24
    assert stopped >= 8, "most of these words came while the writer wrote"
    assert max(behind) <= MOST
    with Run(path) as run:
        assert {
            hop.extra.score for r in run.rollouts() for hop in run.hops(r.id) if hop.source == TRIP and hop.extra
        } == {0}
