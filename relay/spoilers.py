"""Spoilers: steers that already state what the problem asks for, so that its score says nothing about the model.

Found without a model: what the steer states is compared with the answer or, where the answer is a program, run.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

from relay.errors import Mistake, UserError
from relay.language.reading import Reading, from_tree
from relay.language.verifying import Given, Verify
from relay.node.answered import Answer
from relay.prepare.run import Watcher
from relay.regrade import ROWS, Asked, Regraded, regrade
from relay.store import opening
from relay.store.reader import Run
from relay.trajectory import STEER
from relay.verifiers import Question, Verdict, Verifier

STEER_ALONE = "steer alone, by "  # and the verifier's name: how its verdicts are named in the run file


class States(Protocol):
    """A verifier that can say whether a text states the answer, though it is no answer."""

    async def states(self, question: Question) -> Verdict:
        """Correct: the text states it."""
        ...

    async def aclose(self) -> None:
        """Give back what it holds."""
        ...


class Spoilers(Verify):
    """The scenario's verifier, asked about steers."""

    inner: Verify

    @property
    def name(self) -> str:
        """Under which its verdicts stand."""
        return STEER_ALONE + self.inner.name

    def ready(self, *, sandbox: bool) -> str:
        """What the other needs."""
        return self.inner.ready(sandbox=sandbox)

    def open(self, given: Given) -> Verifier:
        """The scenario's own, or the part of it that can tell, asked something else."""
        return _Asking((self.inner.finder() or self.inner).open(given))  # type: ignore[arg-type]  # `finder` has looked


class _Asking:
    def __init__(self, inner: States) -> None:
        self._inner = inner
        self.grade = inner.states
        self.aclose = inner.aclose


def finder(path: Path) -> tuple[Reading, Spoilers]:
    """What finds the spoilers of this run. Raises UserError where its verifier finds none."""
    with opening.opened(path) as run:
        reading = from_tree(run.meta["scenario"], run.meta["source"])
        if run.meta["phase"] != "done":
            raise UserError(Mistake(str(path), "the run has not ended", f"`relay run --resume {path}`"))
    verify = reading.cells[0].scenario.verify
    if verify.finder() is None:
        what = f"{verify.name!r} cannot tell whether a steer states the answer"
        raise UserError(Mistake(f"{path}: --spoilers", what, "`verify: math` and `verify: code` can"))
    return reading, Spoilers(inner=verify)


async def find_spoilers(path: Path, watcher: Watcher, *, sandbox: bool = True) -> Regraded:
    """Grade, alone, every steer that was put into a thought about its own problem."""
    reading, by = finder(path)
    with opening.opened(path) as run:
        there = next(steers(run, by.name), None)
    if there is None:
        watcher.note(f"{path}: no steer about its own problem is left to look at")
        return Regraded(path, by.name, 0)
    return await regrade(path, reading, watcher, sandbox=sandbox, by=by, asked=steers)


def steers(run: Run, verifier: str) -> Iterator[Asked]:
    """The steers, one for each rollout that has some and no verdict by this verifier."""
    problems = run.problems
    for number, problem, sample, cell in run.query(ROWS, verifier):
        about = partial(str.__eq__, problems[problem].id)
        texts = [
            hop.segment.text
            for hop in run.hops(number)
            if hop.segment is not None and hop.segment.stop == STEER and about(hop.source.rpartition("/")[0])
        ]
        if texts:
            yield Asked(number, cell, problems[problem], sample, Answer("".join(texts), True), {})
