"""What keeps the outcome of a run's batch: the run file, and a recording where one is made."""

from collections.abc import Callable, Iterable, Iterator

from relay.batch import Job
from relay.events import RolloutEnded, Tokens
from relay.prepare.jobs import Jobs
from relay.store import tape
from relay.store.writer import Begun, Gathered, Graded, RunWriter
from relay.walk import Hop


class RunRecorder:
    """Writes a batch into the run file."""

    def __init__(
        self, writer: RunWriter, recording: tape.Tape | None = None, noting: Callable[[], None] = lambda: None
    ) -> None:
        """`noting` is called before each flush."""
        self.writer = writer
        self._tape = recording
        self._noting = noting
        self.write = writer.write
        self._hop = writer.hop

    def beginning(self, jobs: Jobs, coming: Iterable[Begun]) -> Iterator[Job]:
        """The jobs of these rollouts; each is written down as begun when it is taken."""
        for begun in coming:
            job = jobs.job(begun)
            self.writer.begin(begun)
            yield job

    def gather(self) -> Gathered:
        """Take what waits for the next flush."""
        self._noting()
        return self.writer.gather()

    def hop(self, job: Job, hop: Hop) -> None:
        """A hop was committed."""
        step = self._hop(job.id, hop)
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
