"""What models on vLLM cost together: drafts ahead of a judge beside the plain form, and pens with one prefix."""

import json
import random
import time
from pathlib import Path
from statistics import median
from typing import Any

from relay.engine import Engine
from relay.language.reading import read
from relay.session import Options, start
from relay.store.reader import Run
from relay.walk import DISCARDED
from tests.loop.conftest import Recording, Silent

BLOCK = 32
PENS = 8
FORMS: dict[str, dict[str, str]] = {"ahead": {}, "plain": {"graph.nodes.check.ahead": "null"}}


DRAFTS = """
relay: 1
models:
  small: {engine: vllm, model: relay/tiny}
  large: {engine: vllm, model: relay/tiny-guide}
problems: {from: chains, where: {difficulty: [3, 4, 5]}, limit: 5}
verify: none
graph:
  start: draft
  answer: [draft, rewrite]
  nodes:
    draft: {write: small, until: [{sentences: 1}, answered]}
    check: {judge: large, ask: " Is this step good or bad? It is ", labels: [good, bad], tokens: 12, ahead: draft}
    rewrite: {write: large, until: [{sentences: 1}, answered]}
  edges:
    draft: [{when: answered, to: end}, check]
    check: [{when: {chance: 0.8}, to: draft}, {to: rewrite, drop: draft}]
    rewrite: [{when: answered, to: end}, draft]
budget: {tokens: 900}
"""


def recount(path: Path) -> tuple[int, int]:
    """Tokens decoded ahead of a veto, and all tokens, as each row of the file says."""
    with Run(path) as run:
        hops = [hop for row in run.rollouts() for hop in run.hops(row.id)]
    discarded = [hop for hop in hops if hop.extra is not None and hop.extra.apart == DISCARDED]
    assert all(hop.segment is None or hop.usage.decoded >= len(hop.segment.ids) for hop in discarded)
    return sum(h.usage.decoded + h.usage.thrown for h in discarded), sum(h.usage.decoded + h.usage.thrown for h in hops)


def fork(folder: Path, limit: int, times: int, more: str = "") -> Path:
    """A scenario whose pens start behind a text of 400 tokens."""
    draw = random.Random(3)
    words = ["take", "the", "value", "of", "23", "and", "add", "7", "then", "find", "what", "is", "left"]
    long = " ".join(draw.choice(words) for _ in range(200))
    tree = {
        "relay": 1,
        "models": {"m": {"engine": "vllm", "model": "relay/tiny"}},
        "problems": {"from": "chains", "where": {"difficulty": 3}, "limit": limit},
        "graph": {
            "start": "begin",
            "answer": "go",
            "nodes": {
                "begin": {"insert": {"text": long}},
                "fork": {"branch": "go", "times": times},
                "go": {"write": "m", "until": [{"tokens": 24}, "answered"]},
                "best": {"pick": "vote"},
            },
            "edges": {
                "begin": "fork",
                "fork": "best",
                "go": [{"when": "answered", "to": "join"}, {"when": {"visits": "go", "over": 5}, "to": "join"}, "go"],
                "best": "end",
            },
        },
        "sampling": {"temperature": 1.0},
    }
    (folder / "fork.yaml").write_text(json.dumps(tree))
    return folder / "fork.yaml"


async def overlap(folder: Path, small: Engine, large: Engine, turns: int) -> dict[str, Any]:
    """Walls of both forms by turns, one rollout at a time; tokens by the file, and those that the engines said."""
    found: dict[str, Any] = {"walls": {form: [] for form in FORMS}, "runs": []}
    (folder / "s.yaml").write_text(DRAFTS)
    for turn in range(turns):
        for form, sets in FORMS.items():
            engines = {"small": Recording(small, closes=False), "large": Recording(large, closes=False)}
            reading, path = read(str(folder / "s.yaml"), sets), folder / f"{form}-{turn}-{small is large}.relay"
            begun = time.perf_counter()
            outcome = await start(reading, path, Options(1, pool=folder / "pool"), Silent(), engines)
            found["walls"][form].append(round(time.perf_counter() - begun, 2))
            discarded, counted = recount(path)
            requests = [request for engine in engines.values() for request in engine.requests]
            ends = sum(request.cut.settle().turn_ended for request in requests)
            said = sum(len(request.cut.ids) for request in requests)
            found["runs"].append(
                {"form": form, "failed": outcome.failed, "tokens": counted, "discarded": discarded,
                 "said": said, "ends of turns": ends}
            )  # fmt: skip
    least, middle = ({form: how(walls) for form, walls in found["walls"].items()} for how in (min, median))
    ratios = {"ratio of the least walls": least, "ratio of the median walls": middle}
    return {**found, **{name: round(of["ahead"] / of["plain"], 3) for name, of in ratios.items()}}


async def one_prefix(folder: Path, model: Engine, problems: int) -> list[dict[str, Any]]:
    """For each rollout: how long the prompt of its pens is, and what each of them computed of it."""
    path = folder / "prefix.relay"
    await start(read(str(fork(folder, problems, PENS))), path, Options(1, pool=folder / "pool"), Silent(), {"m": model})
    with Run(path) as run:
        hops = [list(run.hops(row.id)) for row in run.rollouts()]
    found = []
    for rollout in hops:
        first = [hop.usage for hop in rollout if hop.node == "go" and hop.visit == 1]
        later = [hop.usage.computed for hop in rollout if hop.node == "go" and hop.visit == 2]
        (length,) = {usage.computed + usage.cached for usage in first}
        found.append({"prompt": length, "computed": sorted(u.computed for u in first), "computed later": sorted(later)})
    return found
