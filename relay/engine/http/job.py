"""One call of relay's, over as many tries as it takes: nothing that a server sent is lost or fed twice."""

import asyncio
from hashlib import blake2b

from relay.engine import Request
from relay.engine.http.faults import Fault
from relay.engine.http.wire import Call, Piece
from relay.engine.vllm_sampling import priority
from relay.errors import EngineError
from relay.seam.tokens import Tokenizer
from relay.trajectory import Usage


class Job:
    """A call under way. Its ids go to the cut as they come.

    After a failure the next try goes on behind the ids that were fed: at temperature 0 from there, as the model would
    have done; else from the prompt with the same seed, through the same ids again, which are compared and not fed. A
    server that now draws others, or has ended by itself, is asked to go on behind those that were fed, with a seed of
    that place.
    """

    def __init__(self, request: Request, tokenizer: Tokenizer, *, bans: bool) -> None:
        """`bans`: whether the server is known to draw no banned id."""
        self.request = request
        self.news = asyncio.Event()
        self.error: EngineError | None = None
        self.over = False  # the cut has ended
        self.ending = False  # the server has, and may yet say what it counted
        self.fruitless = 0  # tries in a row that brought no id
        self._tokenizer = tokenizer
        self._bans = bans
        self._repeats = request.sampling.temperature > 0  # whether a try begins at the prompt
        self._same: list[int] = []  # ids that this try should bring again
        self._fresh = False  # whether this try has brought an id
        self._prompt = len(request.prompt)  # tokens of the prompt of the last try that counted them
        self._cached = 0

    @property
    def usage(self) -> Usage:
        """What the prompt cost, as far as the server said, and the ids so far."""
        return Usage(max(0, self._prompt - self._cached), self._cached, len(self.request.cut.ids))

    def call(self) -> Call:
        """What to ask for in the next try."""
        request, cut = self.request, self.request.cut
        self._fresh = self.ending = False
        self._same = list(cut.ids) if self._repeats else []
        prompt, tokens, seed = request.prompt, cut.tokens, request.seed
        if cut.ids and not self._repeats:
            prompt = [*prompt, *cut.ids]
            tokens -= len(cut.ids)
            seed = int.from_bytes(blake2b(f"{seed}\x1f{len(cut.ids)}".encode(), digest_size=8).digest()) >> 1
        return Call(
            prompt,
            tokens,
            request.sampling,
            seed,
            request.banned,
            cut.texts,
            often=request.watched or cut.looks == "always",
            priority=priority(request),
        )

    def take(self, piece: Piece) -> None:
        """Feed what this piece brings. Raises Fault."""
        self.ending = self.ending or bool(piece.ended)
        if piece.prompt is not None:
            self._prompt = piece.prompt
        if piece.cached is not None:
            self._cached = piece.cached
        if self.over:
            return
        ids, cut = self._new(piece.ids), self.request.cut
        if self._same and piece.ended:
            raise self._other_draw()
        if self._bans and not self.request.banned.isdisjoint(ids):
            raise Fault("banned id", "it drew an id that it was told not to", again=False)
        if piece.ended == "turn" and ids and self._ends_turns(ids[-1]):
            ids = ids[:-1]
        if ids:
            self._fresh = True
            self.over = cut.feed(ids)
            self.news.set()
        if piece.ended == "turn" and not self.over:
            cut.expire("turn")
            self.over = True

    def short(self) -> None:
        """The server gives no more at a time: the next try goes on behind what it gave."""
        self._repeats = False

    def tried(self) -> None:
        """A try is over."""
        self.fruitless = 0 if self._fresh else self.fruitless + 1

    def fail(self, why: str) -> None:
        """End it with an error that says what the call was for."""
        problem, sample, node, visit, _ = self.request.purpose
        self.error = EngineError(f"{node} (visit {visit}, problem {problem.id!r}, sample {sample}): {why}")
        self.news.set()

    def _new(self, ids: tuple[int, ...]) -> tuple[int, ...]:
        """Of these ids those that were not fed before."""
        if not self._same or not ids:
            return ids
        known, self._same = self._same[: len(ids)], self._same[len(ids) :]
        if list(ids[: len(known)]) != known:
            raise self._other_draw()
        return ids[len(known) :]

    def _other_draw(self) -> Fault:
        self._repeats = False
        return Fault("another draw", "asked again it draws other ids", wait=0.0)

    def _ends_turns(self, last: int) -> bool:
        """Whether this is an id that ends the turn for the server and, unknown to us, is no text."""
        tokenizer = self._tokenizer
        return last not in tokenizer.eos and last in tokenizer.special.values()
