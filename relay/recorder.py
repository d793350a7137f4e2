"""What keeps the outcome of a run's batch: the run file, and a recording where one is made."""

import time
from collections.abc import Callable, Iterable, Iterator

from relay.batch import Job
from relay.events import RolloutEnded, Tokens
from relay.node.people import People
from relay.prepare.jobs import Jobs
from relay.prepare.models import KEEP
from relay.store import tape
from relay.store.asking import FORK, GONE_ON, LOOK, TAKEN, UNTAKEN, Asked, asked_of, held
from relay.store.gathered import Begun, Gathered, Graded
from relay.store.writer import RunWriter
from relay.walk import ANSWER, BY_HAND, Hop

OFTEN = 1.0  # seconds between two counts of the calls that wait


class RunRecorder:
    """Writes a batch into the run file."""

    def __init__(
        self,
        writer: RunWriter,
        recording: tape.Tape | None = None,
        noting: Callable[[], None] = lambda: None,
        queue: Callable[[], str] = str,
    ) -> None:
        """`noting` is called before each flush; `queue` says how many calls wait, as JSON, where somebody looks."""
        self.writer = writer
        self._tape = recording
        self._noting = noting
        self._queue, self._said, self._seen = queue, "", False
        self._again = 0.0  # when calls are counted next
        self._hop = writer.hop
        self._last = 0  # the request that was read last

    def beginning(self, jobs: Jobs, coming: Iterable[Begun]) -> Iterator[Job]:
        """The jobs of these rollouts; each is written down as begun when it is taken."""
        for begun in coming:
            job = jobs.job(begun)
            self.writer.begin(begun)
            yield job

    def gather(self) -> Gathered:
        """Take what waits for the next flush."""
        self._noting()
        if self._seen and time.monotonic() >= self._again:
            self._again = time.monotonic() + OFTEN
            if (now := self._queue()) != self._said:
                self._said = now
                self.writer.beside(KEEP, ("queue", now))
        return self.writer.gather()

    def write(self, gathered: Gathered) -> list[Asked]:
        """Write it; and what people have asked for since the last time."""
        self.writer.write(gathered)
        return self.asked()

    def asked(self) -> list[Asked]:
        """The requests that have come and wait: each is told of once."""
        found = [asked_of(row) for row in self.writer.query(UNTAKEN, self._last)]
        if found:
            self._last = found[-1].id
            self._seen = self._seen or any(asked.act == LOOK for asked in found)
        return found

    def taken(self, asked: Asked, refused: str) -> None:
        """A request was done, or refused."""
        self.writer.beside(TAKEN, (time.time(), refused or None, asked.id))

    def hop(self, job: Job, hop: Hop) -> None:
        """A hop was committed; one that a person made goes down with its request, or not at all."""
        step = self._hop(job.id, hop)
        if hop.source and (hop.node == BY_HAND or hop.source.startswith(f"{ANSWER} ")):
            number = hop.source.rpartition(" ")[2]
            if number.isdecimal():  # else it is a pool sample of a problem with a strange name
                self.writer.beside(TAKEN, (time.time(), None, int(number)))
        if self._tape is not None:
            stage = job.stage
            visit = tape.Visit(stage.cell, stage.problem.id, stage.sample, hop.pen, hop.node, hop.visit)
            self._tape.hop(step, visit, hop)

    def live(self, job: Job, tokens: Tokens) -> None:
        """An open segment grew."""
        self.writer.live(job.id, tokens)

    def end(self, job: Job, ended: RolloutEnded, graded: Graded | None) -> None:
        """The rollout ended."""
        self.writer.end(job.id, ended.stop, ended.why, graded)


def invited(recorder: RunRecorder, *, only_forks: bool) -> People:
    """Those who take part in this run, with what they asked for before it began or went on. Pauses are over then."""
    writer, people = recorder.writer, People(recorder.taken)
    everyone, paused = held(writer.query)
    goes = ([None] if everyone else []) + sorted(paused) if not only_forks else []
    now = time.time()
    for rollout in goes:
        writer.beside(GONE_ON, (rollout, now, now))
    people.take((a for a in recorder.asked() if not only_forks or a.act == FORK), early=True)
    return people
