"""Drafts ahead of a judge, in virtual time: the wall is what the closed form says, at every rate of acceptance."""

import asyncio
import random
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from relay.clock import clock
from relay.engine import Delta, Request
from relay.engine.scripted import TEMPLATE, Scripted, shipped
from relay.seam.templates import Template
from relay.store.reader import Run

DRAFT, JUDGE, REWRITE, STEPS = 3.0, 2.0, 7.0, 60
SCENARIO = """
    relay: 1
    models:
      small: {engine: scripted, says: x}
      large: {engine: scripted, says: x}
      main: {engine: scripted, says: x}
    problems: {from: sums, limit: 1}
    verify: none
    graph:
      start: draft
      answer: derive
      nodes:
        draft: {write: small, until: {sentences: 1}}
        check: {judge: large, ask: " Score: ", labels: [0, 9], ahead: draft}
        derive: {write: main, until: {sentences: 1}}
        last: {write: main, until: {sentences: 1}}
      edges:
        draft: check
        check:
          - {when: {visits: check, at_least: STEPS}, to: last, drop: draft}
          - {when: {score: check, under: 7}, to: derive, drop: draft}
          - draft
        derive: draft
        last: end
    budget: {tokens: 100000, hops: 10000, seconds: 100000}
""".replace("STEPS", str(STEPS))


class Timed(Scripted):
    """Says a sentence, or what the judge's script says, after so many virtual seconds."""

    def __init__(self, seconds: float, says: Any) -> None:
        tokenizer = shipped()
        super().__init__(tokenizer, Template(tokenizer, TEMPLATE), says)
        self._takes = seconds

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        here = clock()
        await here.until(here.now + self._takes)
        async for delta in super().extend(request):
            yield delta._replace(usage=delta.usage and delta.usage._replace(seconds=self._takes))


@pytest.mark.parametrize("rate", [0.0, 0.5, 0.9, 1.0])
def test_the_wall_is_what_the_closed_form_says(bench: Any, rate: float) -> None:
    """An accepted draft costs what takes longer, judging it or writing the next; a rejected one all of it."""
    draw = random.Random(rate)
    accepted = [draw.random() < rate for _ in range(STEPS)]
    bench.given = {
        "small": Timed(DRAFT, lambda request: "A step. "),
        "large": Timed(JUDGE, lambda request: "9" if accepted[request.purpose.visit - 1] else "0"),
        "main": Timed(REWRITE, lambda request: "A better step. "),
    }

    async def timed(text: str, out: str) -> tuple[float, str]:
        outcome = await bench.start(text, out)
        with Run(outcome.path) as run:
            critical = run.walk(0).pens["0"].seconds
            assert critical == pytest.approx(clock().now, abs=0.02 * STEPS), "and so says the pen"
            return clock().now, run.walk(0).pens["0"].trajectory.text

    ahead, text = asyncio.run(timed(SCENARIO, "ahead.relay"))
    plain, same = asyncio.run(timed(SCENARIO.replace(", ahead: draft", ""), "plain.relay"))
    kept, lost = sum(accepted[:-1]), STEPS - 1 - sum(accepted[:-1])
    assert plain == pytest.approx(STEPS * (DRAFT + JUDGE) + (lost + 1) * REWRITE, rel=0.01)
    assert ahead == pytest.approx(
        DRAFT + kept * max(DRAFT, JUDGE) + lost * (JUDGE + REWRITE + DRAFT) + JUDGE + REWRITE, rel=0.01
    )
    assert text == same
