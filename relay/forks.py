"""Forks as people ask for them: new rollouts that begin as others did."""

from collections.abc import Iterator

from relay.batch import Job
from relay.folding import fold
from relay.node.by_hand import RefusedError, hop_of
from relay.node.people import People
from relay.prepare.jobs import Jobs
from relay.recorder import RunRecorder
from relay.store import forking
from relay.store.asking import Asked
from relay.store.gathered import Begun
from relay.walk import INSERT


class Forks:
    """Begins them. A fork's number is the run's number of rollouts plus that of its request; so is its sample."""

    def __init__(self, jobs: Jobs, recorder: RunRecorder, people: People) -> None:
        self._jobs = jobs
        self._recorder = recorder
        self._people = people

    def origin(self, begun: Begun) -> Begun | None:
        """The rollout of the plan that this one goes back to; None where it is no fork."""
        if begun.cell != forking.FORKED:
            return None
        return self._jobs.plan.begun(forking.root(self._recorder.writer.look, begun.id))

    def begin(self) -> Iterator[Job]:
        """Those whose segment is there; the others wait."""
        for asked in list(self._people.forks):
            try:
                job = self._job(asked)
            except RefusedError as error:
                self._people.refuse(asked, str(error))
            else:
                if job is None:
                    continue
                yield job
            self._people.forks.remove(asked)

    def _job(self, asked: Asked) -> Job | None:
        writer, plan = self._recorder.writer, self._jobs.plan
        assert asked.rollout is not None  # refused otherwise
        found = forking.shared(writer.look, writer.names, asked.rollout, asked.pen, int(asked.data.get("n", -1)))
        if found is None:
            return None
        origin = plan.begun(found.root)
        begun = Begun(plan.total + asked.id, origin.problem, plan.samples + asked.id, forking.FORKED)
        job = self._jobs.job(begun, found.hops, origin)
        pen = job.walk.pens.get(asked.pen)
        if pen is None:
            raise RefusedError(f"pen {asked.pen} has not begun there")
        acts, walk = [], job.walk
        for text in asked.data.get("insert") or ():
            act = asked._replace(act=INSERT, data={"text": text})
            acts.append(hop_of(act, walk.pens[asked.pen], "", job.stage))
            walk = fold(walk, acts[-1])
        if not walk.frontier:
            raise RefusedError("the rollout had ended there: put a text in")
        job = job._replace(walk=walk)
        writer.begin(begun)
        writer.beside(forking.INSERT_FORK, (begun.id, asked.rollout, found.upto, origin.cell, asked.id))
        for hop in acts:
            self._recorder.hop(job, hop)
        if not acts:
            self._recorder.taken(asked, "")
        return job
