"""The recoverability grid over 200 real problems: every cut, stitch and handoff, under two tokenizers."""

import gzip
import json
from pathlib import Path

import pytest

from relay.seam.handoff import Reader
from relay.seam.pieces import Piece, take
from relay.seam.policies import policy
from relay.seam.sentences import ends
from relay.seam.templates import Head
from relay.seam.tokens import Tokenizer
from relay.trajectory import Segment, Trajectory

pytestmark = pytest.mark.xdist_group("grid")  # what is taken is taken once
MS, N, STITCH = (0.0, 0.2, 0.4, 0.6, 0.8), 0.2, "\nWait. Let me think\n"


def thoughts(shared: Path) -> list[str]:
    """One thought of each problem, of one model and the other in turn; what never closed is in the response."""
    models = []
    for path in sorted((shared / "traces").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            models.append({row["problem_id"]: row["reasoning"] or row["response"] for row in map(json.loads, lines)})
    found = [models[i % len(models)][problem] for i, problem in enumerate(models[0])]
    assert len(found) == 200
    return found


def of(name: str, tokenizer: Tokenizer, piece: Piece, stitch: str = "") -> Segment:
    ids = (*tokenizer.encode(stitch), *piece.ids)
    return Segment(name, "pool", stitch + piece.text, ids, tokenizer.fingerprint, "steer" if stitch else "replayed")


@pytest.fixture(scope="module")
def taken(shared: Path, each: Tokenizer) -> list[tuple[str, list[Piece], Piece]]:
    """Of each thought its beginnings, and the distraction taken from the next."""
    texts = thoughts(shared)
    pieces = []
    for i, text in enumerate(texts):
        other = texts[(i + 1) % len(texts)]
        ids = each.encode(text)
        pieces.append(
            (text, [take(text, ids, each, share=m) for m in MS], take(other, each.encode(other), each, share=N))
        )
    return pieces


def test_every_beginning_is_the_author_s_own_ids_up_to_the_end_of_a_sentence(
    taken: list[tuple[str, list[Piece], Piece]], each: Tokenizer
) -> None:
    for text, beginnings, _ in taken:
        whole, marks = each.encode(text), set(ends(text))
        for m, piece in zip(MS, beginnings, strict=True):
            assert each.bytes_of(piece.ids) == piece.text.encode()
            assert text.startswith(piece.text)
            assert not piece.text or len(piece.text) in marks
            same = sum(a == b for a, b in zip(piece.ids, whole, strict=False))
            assert same >= len(piece.ids) - 3, "only a token that was cut through is encoded anew"
            assert m or not piece.text


def test_every_reader_is_given_exactly_what_was_written(
    taken: list[tuple[str, list[Piece], Piece]], each: Tokenizer, tokenizer: Tokenizer, smollm2: Tokenizer
) -> None:
    """200 problems, five places of the distraction, two readers; then the reader's own words, and the other reads."""
    others = {t.fingerprint: t for t in (tokenizer, smollm2)}
    for reader_of in others.values():
        policies = {print_: policy(t, reader_of) for print_, t in others.items()}
        head = Head(tuple(reader_of.encode("Question.\n")), "Question.\n", "none")
        for _, beginnings, distraction in taken:
            for piece in beginnings:
                steer = of("steer", each, distraction, STITCH)
                own = reader_of.encode(" So we go on.")
                path = Trajectory().add(of("main", each, piece)) if piece.text else Trajectory()
                reader = Reader(reader_of, head, policies)
                before = reader.prompt(path).ids
                steered = reader.prompt(path.add(steer)).ids
                said = Segment("main", "m", " So we go on.", tuple(own), reader_of.fingerprint, "tokens")
                after = reader.prompt(path.add(steer).add(said)).ids
                assert steered[: len(before)] == before
                assert after[: len(steered)] == steered
                assert after[len(steered) :] == own, "its own words come back as they were"
                text = head.text + piece.text + steer.text + " So we go on."
                assert reader_of.bytes_of(after) == text.encode()
                assert reader_of.eos.isdisjoint(after)
                if reader_of is each:
                    assert tuple(steered[len(head.ids) :]) == (*piece.ids, *steer.ids), "ids pass unchanged"
                else:
                    assert steered[len(before) :] == reader_of.encode(steer.text), "each segment by itself"
