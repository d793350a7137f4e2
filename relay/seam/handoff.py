"""The handoff: turning the trajectory into the exact prompt ids of the next writer."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from relay.errors import SeamError
from relay.seam.policies import Policy
from relay.seam.templates import Head
from relay.seam.tokens import CLOSE, Tokenizer
from relay.trajectory import Segment, Trajectory


class Prompt(NamedTuple):
    """What a writer is given."""

    ids: list[int]  # the caller's own
    recoded: int  # of them, those that came by re-encoding another tokenizer's text


class _Mark(NamedTuple):
    """Where the view of a trajectory ends among the ids."""

    trajectory: Trajectory
    ids: int
    recoded: int


class Reader:
    """One writer's view of a rollout: a pure function of trajectory and tokenizer, remembered along one pen's path.

    The head, then each segment: the author's own ids where reader and author share the tokenizer, or its base
    vocabulary as `policies` say, else its text, encoded by itself, once, and never merged with its neighbours. The view
    only grows as the trajectory grows.
    """

    __slots__ = ("_head", "_ids", "_path", "_policies", "_tokenizer")

    def __init__(self, tokenizer: Tokenizer, head: Head, policies: Mapping[str, Policy] | None = None) -> None:
        """`policies`: how it is given what other tokenizers wrote, by their fingerprints; without one, as text."""
        self._tokenizer = tokenizer
        self._head = head
        self._policies = policies or {}
        self._ids = list(head.ids)
        self._path = [_Mark(Trajectory(), len(self._ids), 0)]  # the k-th: the trajectory of k segments seen last

    def prompt(self, trajectory: Trajectory) -> Prompt:
        """The ids that this writer goes on from. Raises SeamError rather than give it others than were recorded."""
        path = self._path
        new: list[Trajectory] = []
        here = trajectory
        while here.length and (here.length >= len(path) or path[here.length].trajectory is not here):
            new.append(here)
            here = here.parent or path[0].trajectory
        mark = path[here.length]
        if len(path) > here.length + 1:  # another way, or a part was taken back
            del path[here.length + 1 :]
            del self._ids[mark.ids :]
        for later in reversed(new):
            mark = self._read(later, mark)
        return Prompt(self._ids.copy(), mark.recoded)

    def _read(self, trajectory: Trajectory, mark: _Mark) -> _Mark:
        segment = trajectory.segment
        assert segment is not None  # a trajectory with a length has a last segment
        recoded = mark.recoded
        ids = self._passed(segment)
        if ids is None:
            ids = self._foreign(segment)
            recoded += len(ids)
        self._ids += ids
        mark = _Mark(trajectory, len(self._ids), recoded)
        self._path.append(mark)
        return mark

    def _passed(self, segment: Segment) -> Sequence[int] | None:
        """The recorded ids, mapped where a policy says so; None where the text is read."""
        if segment.tokenizer == self._tokenizer.fingerprint:
            return self._proved(segment, segment.ids)
        policy = self._policies.get(segment.tokenizer)
        ids = None if policy is None else policy.read(segment.ids)
        return None if ids is None else self._proved(segment, ids)

    def _proved(self, segment: Segment, ids: Sequence[int]) -> Sequence[int]:
        """These ids, which must spell the recorded text and hold no end of a turn."""
        tokenizer = self._tokenizer
        if not tokenizer.eos.isdisjoint(ids):
            raise SeamError(f"a segment of {segment.author} holds an id that ends the reader's turn")
        if tokenizer.bytes_of(ids) != segment.text.encode():
            raise SeamError(f"the ids of a segment of {segment.author} do not spell its text: {segment.text[:40]!r}")
        return ids

    def _foreign(self, segment: Segment) -> list[int]:
        """Another tokenizer's text in the reader's ids. A closing of the thinking is one there and one here."""
        encode, think = self._tokenizer.encode, self._tokenizer.think
        thought = segment.text[: max(0, segment.closed)]
        if think is None or not thought.endswith(CLOSE):
            return encode(segment.text)
        return [*encode(thought.removesuffix(CLOSE)), think.close, *encode(segment.text[len(thought) :])]
