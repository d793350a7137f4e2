"""What a person does to a pen between two hops, as a hop. Pure."""

from itertools import accumulate
from typing import TYPE_CHECKING

from relay.errors import RelayError
from relay.seam.cuts import closes
from relay.seam.tokens import Tokenizer
from relay.store.asking import Asked
from relay.trajectory import EDITED, INSERTED, Segment
from relay.walk import BY_HAND, EDGE, EDIT, HUMAN, INSERT, RESTS, VETO, Extra, Hop, Pen

if TYPE_CHECKING:
    from relay.node import Stage

DONE = {INSERT: INSERTED, EDIT: EDITED}  # why such a segment ended


class RefusedError(RelayError):
    """What a person asked for cannot be done; why."""


def hop_of(asked: Asked, pen: Pen, came: str, stage: "Stage") -> Hop:
    """The hop of this act. `came`: the node whose edge the pen took last; empty: none. Raises RefusedError."""
    if asked.data.get("segment", pen.trajectory.length) < pen.trajectory.length:
        raise RefusedError(f"segment {asked.data['segment']} is no longer the last one")
    segment, to, rest, extra = None, pen.node, pen.rest, None
    if asked.act == EDGE:
        to, extra = _way(asked, pen, came, stage)
        rest = RESTS.get(to)
    elif asked.act == VETO:
        to, rest = _back(_last(pen), pen, stage), None
    else:
        segment = _text(asked, pen, stage)
        if pen.rest is not None:
            to, rest = _writer(pen, stage), None
    visit, source = pen.visits.get(BY_HAND, 0) + 1, f"{asked.act} {asked.id}"
    return Hop(pen.path, pen.hops, BY_HAND, visit, to, segment, rest=rest, source=source, extra=extra)


def written(node: str, text: str, pen: Pen, stage: "Stage", stop: str, kept: tuple[int, ...] = ()) -> Segment:
    """A person's text as a segment; `kept`: ids that its beginning has already. Raises RefusedError.

    It is encoded by the tokenizer of whoever wrote last, so that ids pass unchanged. Where that cannot spell the text
    the segment has no ids, and each reader encodes it.
    """
    if not text or closes(text):
        why = "the thinking is closed by the node that answers, and by nobody else" if text else "there is no text"
        raise RefusedError(why)
    tokenizer = _tokenizer(pen, stage)
    if tokenizer is None:
        return Segment(node, HUMAN, text, (), "", stop)
    try:
        rest = text.encode()[len(tokenizer.bytes_of(kept)) :].decode()
    except UnicodeEncodeError:
        raise RefusedError("half a character is no text") from None
    ids = (*kept, *tokenizer.encode(rest))
    if tokenizer.bytes_of(ids) != text.encode():
        return Segment(node, HUMAN, text, (), "", stop)
    return Segment(node, HUMAN, text, ids, tokenizer.fingerprint, stop)


def _last(pen: Pen) -> Segment:
    if pen.trajectory.segment is None:
        raise RefusedError("nothing has been written yet")
    return pen.trajectory.segment


def _writer(pen: Pen, stage: "Stage") -> str:
    """Who goes on where a pen rests: whoever wrote last. Raises RefusedError."""
    author = _last(pen).author
    if author not in stage.graph.nodes:
        raise RefusedError(f"the pen rests, and {author} cannot go on: choose an edge")
    return author


def _back(last: Segment, pen: Pen, stage: "Stage") -> str:
    """Where a pen stands when this segment has been taken back: with its author, unless that has no other to give."""
    node = stage.graph.nodes.get(last.author)
    if node is not None and node.writes_anew():
        return last.author
    if pen.rest is not None:
        raise RefusedError(f"the pen rests, and {last.author} has nothing else to give: choose an edge")
    return pen.node


def _way(asked: Asked, pen: Pen, came: str, stage: "Stage") -> tuple[str, Extra | None]:
    exits = stage.graph.edges.get(came, ())
    for edge in exits:
        if edge.to == asked.data.get("to") and (edge.to in RESTS or edge.to in stage.graph.nodes):
            return edge.to, Extra(drops=edge.drops) if edge.drops else None
    there = ", ".join(dict.fromkeys(edge.to for edge in exits)) or "nowhere"
    raise RefusedError(f"no edge leads from {came or 'here'} to {asked.data.get('to')!r}, but to {there}")


def _text(asked: Asked, pen: Pen, stage: "Stage") -> Segment:
    kept: tuple[int, ...] = ()
    text = str(asked.data.get("text") or "")
    if asked.act == EDIT:
        if _last(pen).closed >= 0:
            raise RefusedError("this segment closes the thinking: veto it instead")
        kept = _shared(_last(pen), text, _tokenizer(pen, stage))
    segment = written(BY_HAND, text, pen, stage, DONE[asked.act], kept)
    if pen.tokens + len(segment.ids) >= stage.limits.tokens:
        raise RefusedError(f"it has {len(segment.ids)} tokens, which is more than the budget holds")
    return segment


def _shared(last: Segment, text: str, tokenizer: Tokenizer | None) -> tuple[int, ...]:
    """The ids of what an edited text has in common with the old one at its beginning."""
    if tokenizer is None or last.tokenizer != tokenizer.fingerprint:
        return ()
    same = next((i for i, (a, b) in enumerate(zip(last.text, text, strict=False)) if a != b), None)
    common = last.text[: same if same is not None else min(len(last.text), len(text))].encode()
    lengths = accumulate(tokenizer.lengths(last.ids))
    ids = list(last.ids[: sum(at <= len(common) for at in lengths)])
    while ids and unfinished(tokenizer.bytes_of(ids)):
        ids.pop()
    return tuple(ids)


def unfinished(data: bytes) -> bool:
    """Whether these bytes end within a character."""
    return len(data.decode(errors="ignore").encode()) < len(data)


def _tokenizer(pen: Pen, stage: "Stage") -> Tokenizer | None:
    """That of whoever wrote last; else that of the run's first model by name; None where no model runs."""
    last = pen.trajectory.segment.tokenizer if pen.trajectory.segment is not None else ""
    there = {name: stage.hands[name].engine.tokenizer for name in sorted(stage.hands)}
    return next((t for t in there.values() if t.fingerprint == last), next(iter(there.values()), None))
