"""A run whose rollouts branch, are judged, watched, and go ahead of their judges, as a program that can be killed:
python branching.py RUN [--resume].
"""

import asyncio
import sys
from pathlib import Path
from textwrap import dedent

from relay.batch import Tally
from relay.language.reading import read
from relay.session import Options, resume, start

SCENARIO = """
    relay: 1
    models:
      a: {engine: scripted, seconds: 0.02, says: ["One. ", "Two. ", "So it is </think>{answer}."]}
      b: {engine: scripted, seconds: 0.03, says: ["Eins. ", "Zwei. ", "I say </think>7."]}
      j: {engine: scripted, seconds: 0.01, says: ["9", "0", "9"]}
    problems: {from: sums, limit: 4}
    samples: 8
    graph:
      start: draft
      answer: try
      nodes:
        draft: {write: a, until: {sentences: 1}}
        check: {judge: j, ask: " 0 to 9: ", labels: [0, 9], ahead: draft}
        fork: {branch: try, times: 3, over: [b, a]}
        try: {write: a, until: [{sentences: 1}, answered]}
        rate: {judge: {rule: {chance: 0.5}}}
        fine: {judge: j, ask: " fine? ", labels: [0, 9]}
        rule: {watch: try, every: {tokens: 3}, trip: {contains: Zw}}
        guard: {watch: try, trip: {label: fine, equals: "0"}}
        best: {pick: {best: rate}}
      edges:
        draft: check
        check:
          - {when: {score: check, under: 5}, to: fork, drop: draft}
          - draft
        fork: best
        try: [{when: answered, to: join}, rate]
        rate: try
        rule: try
        guard: [{when: {trips: guard, at_least: 2}, to: refuse}, try]
        best: end
    budget: {tokens: 4000}
"""


class Silent:
    """Tells that it walks."""

    def phase(self, name: str, tally: Tally) -> None:
        if name == "walking":
            print("ready", flush=True)

    def note(self, text: str) -> None:
        """Nobody listens."""


async def main(path: Path, *, again: bool) -> None:
    options = Options(8, pool=path.with_suffix(".pool"))
    if again:
        await resume(path, options, Silent())
        return
    scenario = path.with_suffix(".yaml")
    scenario.write_text(dedent(SCENARIO))
    await start(read(str(scenario)), path, options, Silent())


if __name__ == "__main__":
    import relay.batch

    relay.batch.FLUSH = 0.02  # so that kills fall between flushes of a short run
    asyncio.run(main(Path(sys.argv[1]), again="--resume" in sys.argv))
