"""The verb `pick`: of the pens of a branch one is gone on from; the others stay as they are, beside it."""

from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Literal, NamedTuple

from relay.events import Tokens
from relay.folding import branch_of
from relay.language.scenario import Node, NodeName
from relay.language.shapes import Frozen, Kind, OneOf
from relay.node import Act, Desk
from relay.node.answered import answer_in
from relay.verifiers import Outcome, Question, Verdict
from relay.walk import FIT, Extra, Pen, StopReason

FIRST = "first"
CUT = (StopReason.TOKENS, StopReason.HOPS, StopReason.SECONDS, StopReason.CONTEXT)


class Best(Frozen):
    """The pen of which this judge thinks best."""

    best: NodeName


class Said(NamedTuple):
    """The answer of one pen."""

    pen: Pen
    text: str
    finished: bool
    found: str  # as the verifier reads it; empty where there is none


class Pick(Node):
    """One pen of the branch before it: by a vote, by the verifier, by what a judge said, or the first to rest."""

    pick: Annotated[
        str | Best,
        OneOf(Kind("<word>", Literal["vote", "verifier", "first"], of=(str,)), Kind("<best>", Best, "best")),
    ]

    def picks(self) -> bool:
        """It does."""
        return True

    def races(self) -> bool:
        """By time alone."""
        return self.pick == FIRST

    def act(self, desk: Desk) -> Act | AsyncGenerator[Tokens | Act, None]:
        """Choose. Ties go to the pen that was named first, never to the quickest; of a race one alone is fit."""
        branch = branch_of(desk.pen, desk.pens)
        fit = [pen for pen in branch if pen.rest in FIT] or [pen for pen in branch if pen.rest in CUT]
        if not fit:
            return _nobody(branch)
        if self.pick == FIRST:
            return _chosen(fit[0])
        if isinstance(self.pick, str):
            return self._asked(desk, fit)
        judge = self.pick.best
        return _chosen(max(fit, key=lambda pen: _score(pen, judge)))

    async def _asked(self, desk: Desk, fit: Sequence[Pen]) -> AsyncGenerator[Tokens | Act, None]:
        said = [await _said(desk, pen) for pen in fit]
        if self.pick == "vote":
            yield _chosen(await _voted(desk, said))
        else:
            yield _chosen(await _right(desk, said))


def _chosen(pen: Pen) -> Act:
    return Act(extra=Extra(chosen=pen.path))


def _nobody(branch: Sequence[Pen]) -> Act:
    """All of them failed, or refused: so does the pen that they came from."""
    rest = next((pen.rest for pen in branch if pen.rest == StopReason.REFUSE), None) or branch[0].rest
    return Act(rest=rest, why=next((pen.why for pen in branch if pen.why), ""))


def _score(pen: Pen, judge: str) -> float:
    ruling = pen.rulings.get(judge)
    return float("-inf") if ruling is None or ruling.score is None else ruling.score


async def _said(desk: Desk, pen: Pen) -> Said:
    """A pen's answer: what the verifier finds in it."""
    text, finished = answer_in(pen.trajectory, desk.stage)
    return Said(pen, text, finished, (await _grade(desk, text, finished, desk.stage.problem.answer)).answer)


async def _voted(desk: Desk, said: Sequence[Said]) -> Pen:
    """The first pen of the largest group with one answer: alike are those that are right by each other."""
    groups: list[list[Said]] = []
    for each in said:
        if not each.found:
            continue
        for group in groups:
            if await _alike(desk, each, group[0]):
                group.append(each)
                break
        else:
            groups.append([each])
    return max(groups, key=len)[0].pen if groups else said[0].pen


async def _alike(desk: Desk, one: Said, other: Said) -> bool:
    if one.found == other.found:
        return True
    return (await _grade(desk, one.text, one.finished, other.found)).outcome == Outcome.CORRECT


async def _right(desk: Desk, said: Sequence[Said]) -> Pen:
    """The first pen whose answer is right; where none is, the first."""
    for each in said:
        verdict = await _grade(desk, each.text, each.finished, desk.stage.problem.answer)
        if verdict.outcome == Outcome.CORRECT:
            return each.pen
    return said[0].pen


async def _grade(desk: Desk, text: str, finished: bool, reference: str) -> Verdict:
    """What the scenario's verifier says of this answer, beside this reference. It may raise anything: that is a no."""
    stage, verifier = desk.stage, desk.stage.verifier
    assert verifier is not None  # refused when it was read
    question = Question(text, finished, reference, stage.problem.kind, stage.problem, stage.sample, cell=stage.cell)
    try:
        return await verifier.grade(question)
    except Exception as error:
        return Verdict(Outcome.UNDECIDED, "", f"the verifier failed: {type(error).__name__}: {error}", 0.0)
