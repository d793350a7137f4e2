"""The distance under a real model is that of one plain pass of torch over the ids that its reader was given."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import torch
import transformers

from relay.distance.measuring import measure
from relay.engine.models import resolve
from relay.store.reader import Run
from relay.store.rows import unpack
from tests.loop.conftest import Bench, Silent

FEW = {
    "problems.limit": "12", "pool.samples": "2", "sweep.over": "{n: [0.3, 0.8]}",
}  # fmt: skip
RUNS: dict[str, dict[str, str]] = {
    "recoverability": {
        **FEW, "sweep.over": "{m: [0, 0.6], n: [0.5]}",
        "select": "{limit: 5, problems: {solved: main, at_least: 1/2}}",
    },
    "guidability": {
        **FEW, "select": "{limit: 5, problems: [{solved: main, at_most: 2/2}, {solved: guide, at_least: 1/2}]}",
    },
}  # fmt: skip


def plain(name: str) -> tuple[Any, tokenizers.Tokenizer]:
    """The model and its tokenizer, by their own libraries."""
    folder = Path(resolve(name).source)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model.eval(), tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))


@pytest.mark.parametrize("name", RUNS)
def test_it_is_what_torch_says_of_the_same_ids(name: str, bench: Bench) -> None:
    path = asyncio.run(bench.start_canned(name, RUNS[name])).path
    said = asyncio.run(measure(path, Silent()))
    assert said.failed == 0
    model, tokenizer = plain("relay/tiny")
    with Run(path) as run:
        measured = run.query("SELECT d.hop, d.tokens, d.logprob, h.rollout FROM distance d JOIN hop h ON h.id = d.hop")
        heads = dict(run.query("SELECT problem, ids FROM head h JOIN name n ON n.id = h.model WHERE n.text = 'main'"))
        own = run.meta["models"]["main"]["tokenizer"]
        problems, cells = len(run.problems), len(run.cells)
        foreign = 0
        for step, tokens, logprob, rollout in measured:
            ids = list(unpack(heads[rollout // cells % problems]))
            for number, hop in zip(run.query("SELECT id FROM step WHERE rollout = ? ORDER BY id", rollout),
                                   run.hops(rollout), strict=True):  # fmt: skip
                segment = hop.segment
                mine: list[int] = []
                if segment is not None and segment.tokenizer == own:
                    mine = list(segment.ids)
                elif segment is not None:
                    mine = tokenizer.encode(segment.text + "a", add_special_tokens=False).ids[:-1]
                    foreign += 1
                if number[0] == step:
                    break
                ids += mine
            with torch.inference_mode():
                logits = model(torch.tensor([[*ids, *mine]])).logits[0].double().log_softmax(dim=-1)
            found = sum(float(logits[len(ids) - 1 + k, i]) for k, i in enumerate(mine))
            assert tokens == len(mine)
            assert logprob / tokens == pytest.approx(found / len(mine), abs=1e-4)
    assert len(measured) >= 8
    assert len({round(logprob, 3) for _, _, logprob, _ in measured}) > len(measured) / 2
    assert (foreign > 0) == (name == "guidability"), "the guide's tokens are another tokenizer's"
