"""The verb `insert`: a steer is put into another's thought, from the pool or as it stands in the scenario."""

from functools import lru_cache

from relay.language.amounts import NOTHING_OF_IT, Amount, Cut, Share, Unit
from relay.language.scenario import GivenText, Need, Node, Pick
from relay.node import Act, Desk, missing, taken
from relay.seam.tokens import Tokenizer
from relay.trajectory import STEER, Segment


class Insert(Node):
    """Text that nobody writes now: the first part of a pooled solo after a stitch, or a given text."""

    insert: Pick
    take: Amount = Share(share=1)  # how much of it
    unit: Unit = "tokens"  # what a share counts in
    cut: Cut = "nearest"  # which sentence end that amount goes to
    stitch: str = ""  # stands before it, as it is written here

    def need(self, name: str) -> Need | None:
        """The solo that is put in."""
        pick = self.insert
        if isinstance(pick, GivenText) or self.take == NOTHING_OF_IT:
            return None
        return Need(name, pick.pool, pick.of, pick.where, pick.among, pick.as_long_as)

    def act(self, desk: Desk) -> Act:
        """Put the text in. A take of nothing leaves no segment, not even the stitch."""
        pick = self.insert
        if isinstance(pick, GivenText):
            tokenizer, text = desk.some_tokenizer, self.stitch + pick.text
            return Act(_steer(desk.pen.node, "text", text, _encoded(tokenizer, text), tokenizer))
        if self.take == NOTHING_OF_IT:
            return Act()
        solo = desk.solo
        if solo is None:
            return missing(self.need(desk.pen.node), desk)
        tokenizer = desk.tokenizer(pick.pool)
        piece = taken(solo, self.take, self.cut, tokenizer, self.unit)
        if not piece.text:
            return Act(source=solo.source)
        ids, text = (*_encoded(tokenizer, self.stitch), *piece.ids), self.stitch + piece.text
        return Act(_steer(desk.pen.node, "pool", text, ids, tokenizer), source=solo.source)


def _steer(node: str, model: str, text: str, ids: tuple[int, ...], tokenizer: Tokenizer) -> Segment:
    """The segment; where the vocabulary cannot spell the text it has no ids, and each reader encodes it."""
    if tokenizer.bytes_of(ids) != text.encode():
        return Segment(node, model, text, (), "", STEER)
    return Segment(node, model, text, ids, tokenizer.fingerprint, STEER)


@lru_cache(maxsize=1024)
def _encoded(tokenizer: Tokenizer, text: str) -> tuple[int, ...]:
    return tuple(tokenizer.encode(text))
