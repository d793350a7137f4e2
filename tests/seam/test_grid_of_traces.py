"""The grids of both twin tests over 200 real problems, as two real models reasoned on them: selection by their authors'
labels, every cut and stitch at every m and n, and every handoff, under each tokenizer at hand.
"""

import gzip
import json
from collections import Counter
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest

from relay.language.scenario import Need
from relay.prepare.selection import Rule, select
from relay.prepare.units import Pairs, deal
from relay.problems import Problem
from relay.seam import pieces
from relay.seam.handoff import Reader
from relay.seam.pieces import Piece, take
from relay.seam.policies import policy
from relay.seam.templates import Head
from relay.seam.tokens import Tokenizer
from relay.sentences import ends
from relay.trajectory import Segment, Trajectory

pytestmark = pytest.mark.xdist_group("grid")  # what is taken is taken once
MS, NS = (0.0, 0.2, 0.4, 0.6, 0.8), (0.2, 0.4, 0.6, 0.8)
CUTS: tuple[Literal["nearest", "before"], ...] = ("nearest", "before")
STITCHES = ("\nWait. Let me think\n", "\nLet me think.")  # the paper's, as relay closes it, and that of its scripts
SMALL, LARGE = "1.5b", "7b"
UNCLOSED = {SMALL: 4, LARGE: 0}  # thoughts without an end whose answer their authors call right


class Trace(NamedTuple):
    """What one of the two models reasoned on one problem; what never closed is in the response."""

    problem: Problem
    text: str
    right: bool  # its authors' label
    closed: bool


def traces(shared: Path) -> dict[str, dict[str, Trace]]:
    """By model, then by problem."""
    found: dict[str, dict[str, Trace]] = {}
    for name in (SMALL, LARGE):
        with gzip.open(shared / "traces" / f"r1-distill-qwen-{name}.math200.jsonl.gz", "rt", encoding="utf-8") as lines:
            found[name] = {row["problem_id"]: _trace(row) for row in map(json.loads, lines)}
        assert len(found[name]) == 200
    return found


def _trace(row: dict[str, Any]) -> Trace:
    problem = Problem(row["problem_id"], row["question"], row["answer"])
    text = row["reasoning"] or row["response"]
    return Trace(problem, text, row["labelled_correct"], row["reasoning"] is not None)


@pytest.fixture(scope="module")
def others() -> list[Tokenizer]:
    """The tokenizers of the models that ship; they were made for other texts."""
    found = []
    for name in ("tiny", "tiny-guide"):
        folder = Path(__file__).parents[2] / "relay" / "zoo" / name
        end = json.loads((folder / "tokenizer_config.json").read_text())["eos_token"]
        found.append(Tokenizer.from_file(folder / "tokenizer.json", [end]))
    return found


class Taken(NamedTuple):
    """What is taken of one thought at each share and cut, and the thought whose beginning is put into it."""

    text: str
    ids: tuple[int, ...]
    pieces: dict[tuple[float, str], Piece]
    distraction: int  # the place of another one


@pytest.fixture(scope="module")
def taken(shared: Path, each: Tokenizer) -> list[Taken]:
    """All 400 thoughts, the small model's first; each is distracted by another problem of its own model."""
    own = pieces.sentence_ends
    texts = [trace.text for model in traces(shared).values() for trace in model.values()]
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "sentence_ends", lru_cache(maxsize=1)(own))  # the same text is cut ten times
        for i, text in enumerate(texts):
            ids = tuple(each.encode(text))
            cuts = {(share, cut): take(text, ids, each, share=share, cut=cut) for share, cut in product(MS, CUTS)}
            found.append(Taken(text, ids, cuts, i // 200 * 200 + (i + 1) % 200))
    return found


def test_labels_select_the_problems_and_originals_and_distractions_meet_as_they_should(shared: Path) -> None:
    found = traces(shared)
    problems = [trace.problem for trace in found[SMALL].values()]
    assert [trace.problem for trace in found[LARGE].values()] == problems
    solved = {model: {p: int(trace.right) for p, trace in mine.items()} for model, mine in found.items()}
    outcomes = {
        model: {p: {0: "correct" if trace.right else "wrong"} for p, trace in mine.items()}
        for model, mine in found.items()
    }

    def selected(*rules: Rule, limit: int | None = None) -> set[str]:
        return {problem.id for problem in select(problems, rules, solved, limit, 7)}

    right = {model: {p for p, trace in mine.items() if trace.right} for model, mine in found.items()}
    small, large = Rule(SMALL, 1, 1, 1), Rule(LARGE, 1, 1, 1)
    assert selected(small) == right[SMALL]
    assert len(right[SMALL]) == 179
    assert selected(large) == right[LARGE]
    assert len(right[LARGE]) == 195
    assert selected(small, large) == right[SMALL] & right[LARGE], "the shared subset"
    helped = selected(Rule(SMALL, 0, 0, 1), large)
    assert helped == right[LARGE] - right[SMALL], "what only the guide solves"
    assert len(helped) == 18
    assert len(selected(small, limit=50)) == 50
    for model in (SMALL, LARGE):
        mine = [p for p in problems if p.id in right[model]]
        pairs = Pairs(mine, 1)
        originals = dict(deal(Need("main", model, "this problem", "correct"), pairs, problems, outcomes[model], 7))
        assert {p for p, _ in originals} == right[model]
        assert all(given.problem.id == p for (p, _), given in originals.items())
        assert sum(not found[model][p].closed for p in right[model]) == UNCLOSED[model], "a label is not the truth"
        steers = dict(deal(Need("steer", model, "another problem", "any", 50), pairs, problems, outcomes[model], 7))
        assert steers.keys() == originals.keys(), "nobody is left without"
        assert all(
            given.problem.id != p and given.problem.answer != found[model][p].problem.answer
            for (p, _), given in steers.items()
        )
        used = Counter(given.problem.id for given in steers.values())
        assert len(used) == 50
        assert max(used.values()) - min(used.values()) <= 1, "balanced"


def test_every_beginning_is_the_author_s_own_ids_up_to_the_end_of_a_sentence(
    taken: list[Taken], each: Tokenizer
) -> None:
    """All 400, at every share, cut at the nearest sentence end and at the last one before."""
    lengths = dict[str, list[float]]()
    for one in taken:
        marks = [0, *(mark for mark in ends(one.text) if mark < len(one.text))]
        for (share, cut), piece in one.pieces.items():
            assert each.bytes_of(piece.ids) == piece.text.encode()
            assert one.text.startswith(piece.text)
            assert len(piece.text) in marks
            same = sum(a == b for a, b in zip(piece.ids, one.ids, strict=False))
            assert same >= len(piece.ids) - 3, "only a token that was cut through is encoded anew"
            assert share or not piece.text
            place = len(each.text_of(one.ids[: int(len(one.ids) * share + 1e-9)]))
            if cut == "before":
                assert len(piece.text) == max(mark for mark in marks if mark <= place)
            elif share:
                assert abs(len(piece.text) - place) == min(abs(mark - place) for mark in marks[1:])
                lengths.setdefault(str(share), []).append(len(piece.ids) / len(one.ids))
    for share, found in lengths.items():
        assert len(found) == 400
        assert sum(found) / 400 == pytest.approx(float(share), abs=0.005), "m and n mean what they say"


def of(name: str, tokenizer: Tokenizer, piece: Piece, stitch: str = "") -> Segment:
    ids = (*tokenizer.encode(stitch), *piece.ids)
    return Segment(name, "pool", stitch + piece.text, ids, tokenizer.fingerprint, "steer" if stitch else "replayed")


@pytest.mark.parametrize("cut", CUTS)
def test_every_reader_is_given_exactly_what_was_written(
    cut: Literal["nearest", "before"],
    taken: list[Taken],
    each: Tokenizer,
    tokenizer: Tokenizer,
    smollm2: Tokenizer,
    others: list[Tokenizer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its own reader is given the ids at every m and n, a stranger the text: one of three for every other thought.

    Then the reader's own words, and the view has only grown. Both stitches stand at every m and n. What was cut before
    the place and not nearest to it is another text of the same kind: its own reader alone is given it.
    """
    once = lru_cache(maxsize=64)(Tokenizer.encode)  # a text's ids are the same wherever it stands
    monkeypatch.setattr(Tokenizer, "encode", once)
    all_ = {t.fingerprint: t for t in (tokenizer, smollm2, *others)}
    strangers = [t for t in all_.values() if t.fingerprint != each.fingerprint]
    authors = {r: {a: policy(author, reader) for a, author in all_.items()} for r, reader in all_.items()}
    seen: Counter[tuple[float, float, str]] = Counter()
    for i, one in enumerate(taken):
        stranger = [strangers[i // 2 % len(strangers)]] if cut == "nearest" and i % 2 == 0 else []
        other = taken[one.distraction]
        stitches = [STITCHES[(i // 2 + k) % 2] for k in range(len(NS))]
        steers = [of("steer", each, other.pieces[n, cut], stitch) for n, stitch in zip(NS, stitches, strict=True)]
        for reader_of in (each, *stranger):
            head = Head(tuple(reader_of.encode("Question.\n")), "Question.\n", "none")
            reader = Reader(reader_of, head, authors[reader_of.fingerprint])
            for m in MS:
                piece = one.pieces[m, cut]
                path = Trajectory().add(of("main", each, piece)) if piece.text else Trajectory()
                before = reader.prompt(path).ids
                assert reader_of.bytes_of(before) == (head.text + piece.text).encode()
                for n, stitch, steer in zip(NS, stitches, steers, strict=True):
                    read = follow(reader, reader_of, path, before, steer)
                    if reader_of is each:
                        assert tuple(read) == steer.ids, "ids pass"
                        seen[m, n, stitch] += 1
                    else:
                        assert read == reader_of.encode(steer.text), "a stranger's text is encoded by itself"
    assert len(seen) == len(MS) * len(NS) * len(STITCHES)
    assert set(seen.values()) == {len(taken) // 2}


def follow(reader: Reader, tokenizer: Tokenizer, path: Trajectory, before: list[int], steer: Segment) -> list[int]:
    """The steer, then the reader's own words: what it is given grows, and spells what was written. The steer's ids."""
    words = " So we go on."
    own = tokenizer.encode(words)
    steered = reader.prompt(path.add(steer)).ids
    said = Segment("main", "m", words, tuple(own), tokenizer.fingerprint, "tokens")
    after = reader.prompt(path.add(steer).add(said)).ids
    assert steered[: len(before)] == before
    assert after[: len(steered)] == steered
    assert after[len(steered) :] == own, "its own words come back as they were"
    assert tokenizer.bytes_of(after[len(before) :]) == (steer.text + words).encode()
    assert tokenizer.eos.isdisjoint(after)
    return steered[len(before) :]
