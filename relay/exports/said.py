"""What every export tells of a rollout: its segments, each with its author, and where the thinking ends."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from relay.problems import Problem
from relay.store.reader import Listed, Run
from relay.trajectory import Segment
from relay.walk import ROOT

_HEADS = "SELECT DISTINCT problem FROM head WHERE thinking != 'none'"


class Part(NamedTuple):
    """A segment of the rollout's own way: no private or discarded one."""

    segment: Segment
    thought: str  # of its text, what is thinking
    answer: str  # and what stands after it

    @property
    def facts(self) -> dict[str, Any]:
        """Who wrote it and why it ended."""
        segment = self.segment
        return {
            "author": segment.author, "model": segment.model, "stop": segment.stop, "tokens": segment.tokens,
        }  # fmt: skip


class Told(NamedTuple):
    """One rollout."""

    row: Listed
    problem: Problem
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The whole of what was written."""
        return "".join(part.segment.text for part in self.parts)


def told(run: Run) -> Iterator[Told]:
    """Every rollout, in the order of their numbers."""
    problems = {problem.id: problem for problem in run.problems}
    keys = list(problems)
    thinking = {keys[number] for (number,) in run.query(_HEADS)}
    for row in run.rollouts():
        segments = run.walk(row.id).pens[ROOT].trajectory.segments
        yield Told(row, problems[row.problem], tuple(_parts(segments, thinks=row.problem in thinking)))


def _parts(segments: tuple[Segment, ...], *, thinks: bool) -> Iterator[Part]:
    closed = not thinks and all(segment.closed < 0 for segment in segments)
    for segment in segments:
        text = segment.text
        place = 0 if closed else len(text) if segment.closed < 0 else segment.closed
        closed = closed or segment.closed >= 0
        yield Part(segment, text[:place], text[place:])
