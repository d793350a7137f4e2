"""Those who take part: what they asked of rollouts under way, and who waits for them.

It is filled from the table `requests` at each flush, and asked by the loop at each commit: where nobody asked for
anything that is one look into an empty set.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from relay.clock import clock
from relay.deadline import Deadline
from relay.seam.cuts import Cut
from relay.store.asking import FORK, GO, LOOK, PAUSE, Asked
from relay.walk import ANSWER, BETWEEN, VETO, Pen

ACTS = (*BETWEEN, ANSWER)
Note = Callable[[Asked, str], None]  # a request was done (nothing is said) or refused (why)


class Question(NamedTuple):
    """What a node asks a person."""

    rollout: int
    pen: str
    node: str
    visit: int
    labels: Sequence[str]  # what may be chosen; nothing: a text is to be written

    def meant(self, asked: Asked) -> bool:
        """Whether this answer is one to it, and to no other question of its pen."""
        return (asked.data.get("node"), asked.data.get("visit")) == (self.node, self.visit)

    def unlike(self, asked: Asked) -> str:
        """Why this is no answer to it; empty where it is one."""
        if self.labels and asked.data.get("label") not in self.labels:
            return f"the answer is one of {', '.join(self.labels)}"
        if not self.labels and not isinstance(asked.data.get("text"), str):
            return "the answer is a text"
        return ""


class People:
    """What was asked and has not been done, by rollout. Not for several threads."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._here: set[int] = set()  # rollouts under way
        self._everyone = False  # the whole run is paused
        self._paused: set[int] = set()
        self._pauses: Counter[int | None] = Counter()  # how often a rollout, or the run, was paused
        self._waiting: dict[int, list[Asked]] = {}
        self._news = asyncio.Event()
        self._questions: dict[tuple[int, str], tuple[Question, asyncio.Future[Asked]]] = {}
        self._writing: dict[tuple[int, str], tuple[Pen, Cut, Deadline]] = {}
        self.forks: list[Asked] = []
        self.look = False  # whether somebody has looked at the run since it began or went on

    # -- what comes in

    def begun(self, rollout: int) -> None:
        """A rollout is under way."""
        self._here.add(rollout)

    def ended(self, rollout: int) -> None:
        """It is over: what was asked of it and not done is refused."""
        self._here.discard(rollout)
        self._paused.discard(rollout)
        for asked in self._waiting.pop(rollout, ()):
            self._note(asked, "the rollout ended before")

    def take(self, several: Iterable[Asked], *, early: bool = False) -> None:
        """These were asked; `early`, before any rollout began, they wait for theirs."""
        for asked in several:
            if asked.act in (PAUSE, GO):
                self._hold_or_go(asked)
            elif asked.act == LOOK:
                self.look = True
                self._note(asked, "")
            elif asked.act == FORK:
                self.forks.append(asked)
            elif asked.act not in ACTS or asked.rollout is None:
                self._note(asked, f"nobody knows what {asked.act!r} is")
            elif asked.rollout in self._here or early:
                self._waiting.setdefault(asked.rollout, []).append(asked)
                self._answer(asked.rollout, asked.pen)
                self._stop(asked.rollout, asked.pen)
            else:
                self._note(asked, f"rollout {asked.rollout} is not under way")
        self._stir()

    def _hold_or_go(self, asked: Asked) -> None:
        hold, rollout = asked.act == PAUSE, asked.rollout
        self._pauses[rollout] += hold
        if rollout is None:
            self._everyone = hold
            if not hold:
                self._paused.clear()
        elif rollout not in self._here:
            return self._note(asked, f"rollout {rollout} is not under way")
        elif hold:
            self._paused.add(rollout)
        else:
            self._paused.discard(rollout)
        return self._note(asked, "")

    def _stir(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def close(self) -> None:
        """The run is over: what nobody could do is refused."""
        for rollout in list(self._waiting):
            self.ended(rollout)
        for asked in self.forks:
            self._note(asked, f"rollout {asked.rollout} has no such segment")
        self.forks.clear()

    # -- what the loop asks

    def wanted(self, rollout: int) -> bool:
        """Whether anybody wants anything of this rollout."""
        return self._everyone or rollout in self._waiting or rollout in self._paused

    def holds(self, rollout: int) -> bool:
        """Whether its pens wait at their next commit."""
        return self._everyone or rollout in self._paused

    def pauses(self, rollout: int) -> int:
        """How often it was paused: who pauses a pen that waits lets it go on to its next commit."""
        return self._pauses[rollout] + self._pauses[None]

    def due(self, pen: Pen, rollout: int) -> Asked | None:
        """The next act on this pen, taken off the list; None where none is to be done yet."""
        for asked in self._waiting.get(rollout, ()):
            later = pen.hops < asked.data.get("n", 0) or pen.trajectory.length < asked.data.get("segment", 0)
            if asked.pen == pen.path and asked.act != ANSWER and not later:
                self._forget(asked)
                return asked
        return None

    def begins(self, rollout: int, pen: Pen, cut: Cut, deadline: Deadline) -> None:
        """From here on the pen writes a segment, which a veto stops."""
        self._writing[rollout, pen.path] = pen, cut, deadline

    def ends(self, rollout: int, pen: Pen) -> None:
        """It does so no more."""
        del self._writing[rollout, pen.path]

    def stops(self, rollout: int, pen: Pen) -> bool:
        """Whether the segment that this pen is writing is to be stopped."""
        return rollout in self._waiting and self._veto(rollout, pen, again=False) is not None

    def vetoed(self, rollout: int, pen: Pen) -> Asked | None:
        """The veto that stopped the segment which this pen was writing, taken off the list; None where nobody did."""
        asked = self._veto(rollout, pen, again=True)
        if asked is not None:
            self._forget(asked)
        return asked

    def _veto(self, rollout: int, pen: Pen, *, again: bool) -> Asked | None:
        """The first that means the open segment. `again`: one that is played again, too: its engine knows where."""
        number = pen.trajectory.length + 1
        for asked in self._waiting.get(rollout, ()):
            mine = asked.act == VETO and asked.pen == pen.path and (again or "n" not in asked.data)
            if mine and asked.data.get("segment", number) == number:
                return asked
        return None

    def _stop(self, rollout: int, path: str) -> None:
        """End the waiting of an engine whose segment is to be stopped; one that has said nothing yet is let begin."""
        pen, cut, deadline = self._writing.get((rollout, path), (None, None, None))
        if pen is not None and cut is not None and deadline is not None and cut.ids and self.stops(rollout, pen):
            deadline.interrupt()

    def refuse(self, asked: Asked, why: str) -> None:
        """It is not done."""
        self._note(asked, why)

    async def news(self) -> None:
        """Wait until somebody has asked for something."""
        with clock().outside():
            await self._news.wait()

    async def answer(self, question: Question, seconds: float) -> Asked | None:
        """What a person answers within so many seconds of real time; None where nobody does."""
        key = question.rollout, question.pen
        future: asyncio.Future[Asked] = asyncio.get_running_loop().create_future()
        self._questions[key] = question, future
        self._answer(*key)
        try:
            with clock().outside():
                async with asyncio.timeout(seconds):
                    return await future
        except TimeoutError:
            return None
        finally:
            del self._questions[key]

    def _answer(self, rollout: int, pen: str) -> None:
        """Give an answer that is there to a question that is asked."""
        question, future = self._questions.get((rollout, pen), (None, None))
        for asked in list(self._waiting.get(rollout, ())):
            if asked.act != ANSWER or asked.pen != pen:
                continue
            if question is None or future is None or future.done():
                return  # it may be asked later
            if not question.meant(asked):
                continue  # an answer for later; at its end the rollout refuses what is left
            self._forget(asked)
            if why := question.unlike(asked):
                self._note(asked, why)
            else:
                future.set_result(asked)

    def _forget(self, asked: Asked) -> None:
        assert asked.rollout is not None  # else it would not be here
        left = [other for other in self._waiting[asked.rollout] if other is not asked]
        if left:
            self._waiting[asked.rollout] = left
        else:
            del self._waiting[asked.rollout]


class Nobody:
    """Nobody takes part, as in the pool."""

    def begins(self, rollout: int, pen: Pen, cut: Cut, deadline: Deadline) -> None:
        """Nobody looks."""

    def ends(self, rollout: int, pen: Pen) -> None:
        """Nobody looked."""

    def stops(self, rollout: int, pen: Pen) -> bool:
        """Nobody stops it."""
        return False


NO_PEOPLE = Nobody()
