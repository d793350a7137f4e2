"""Over 500 rollouts: what a watcher stopped, and all that was written behind it, is in no prompt after it."""

from random import Random
from typing import Any

from relay.engine import Request
from relay.engine.scripted import Scripted, shipped
from relay.replay.prompts import Prompts
from relay.replay.source import Source
from relay.seam.templates import Template
from relay.store.calls import hash_of
from relay.store.reader import Run
from relay.walk import BESIDE, TAKEN_BACK, TRIP

SCENARIO = """
    relay: 1
    models:
      m: {engine: scripted, says: x}
      j: {engine: scripted, says: x}
    problems: {from: sums, limit: 50}
    samples: 5
    graph:
      start: fork
      answer: think
      nodes:
        fork: {branch: think, times: 2}
        think: {write: m, until: [{sentences: 4}, {tokens: 60}, answered]}
        check: {judge: j, ask: " Fine? ", labels: [fine, ugly]}
        rule: {watch: think, every: {tokens: 7}, trip: {contains: bad}, back: "{back}"}
        guard: {watch: think, trip: {label: check, equals: ugly}}
        warn: {insert: {text: " No."}}
        best: {pick: vote}
      edges:
        fork: best
        think: [{when: answered, to: join}, {when: {visits: think, over: 6}, to: join}, think]
        rule: [{when: {trips: rule, at_least: 3}, to: refuse}, warn]
        guard: [{when: {trips: guard, at_least: 3}, to: refuse}, think]
        warn: think
        best: end
    sweep: {over: {back: [0, 0.6]}}
"""
TOKENIZER = shipped()
HEADS = "<question>\n{{ messages[0].content }}\n<think>\n"


def writes(request: Request) -> str:
    """Some sentences; each that is not to be has a number of its own."""
    drawn = Random(request.seed)
    said = []
    for _ in range(drawn.randint(1, 6)):
        number = drawn.randrange(10**6)
        said.append(drawn.choice([f"Fine {number}.", "So it is.", "Well, 1 + 1 = 2.\n", f"It is bad{number} here. And"
                                  " on it goes.", f"Now ugly{number}.", "é 漢字。"]))  # fmt: skip
    return " ".join(said) + drawn.choice(["", "</think>15", " and bad1</think>7"])


def judges(request: Request) -> str:
    """The last word of the thought decides."""
    read = TOKENIZER.text_of(request.prompt)
    return "ugly" if "ugly" in read.rpartition("<think>")[2] else "fine"


def test_nothing_behind_a_trip_is_in_any_prompt_after_it(bench: Any) -> None:
    tokenizer = TOKENIZER
    template = Template(tokenizer, HEADS)
    bench.given = {name: Scripted(tokenizer, template, says) for name, says in (("m", writes), ("j", judges))}
    outcome = bench.run(SCENARIO, record=True)
    prompts = [tokenizer.text_of(request.prompt) for request in bench.engines["m"].requests]
    assert len(prompts) > 1500
    assert not [text for text in prompts if any(word in text for word in ("bad", "ugly", "on it goes"))]
    source, trips, looked, back = Source(outcome.path), 0, 0, list[str]()
    made = Prompts(source, {"m": tokenizer, "j": tokenizer})
    with Run(outcome.path) as run:
        rollouts = [row.id for row in run.rollouts()]
        assert len(rollouts) == 500
        for number in rollouts:
            hops = run.hops(number)
            trips += sum(hop.source == TRIP for hop in hops)
            back += [h.segment.text for h in hops if h.extra and h.extra.apart == TAKEN_BACK and h.segment]
            for (_, node, _), visited in source.visits(number).items():
                if node != "think" or (visited.hop.extra and visited.hop.extra.apart in BESIDE):
                    continue
                (call,) = source.calls(visited)
                ids = made.of(number, "m", visited)
                assert ids is not None
                assert hash_of(ids) == call.prompt, "the prompt is the head and the ids that are kept, and no other"
                looked += 1
    source.close()
    assert looked == len(prompts)
    assert trips > 500
    assert sum("bad" in text or "ugly" in text for text in back) > 250, "what was taken back had it"
