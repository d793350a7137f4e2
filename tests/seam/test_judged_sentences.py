"""The ends of sentences in real thoughts, held against a judgement by eye of 860 places.

Three draws of 300 places (some places fell twice): of each 200 that the rule of its day called ends, and 100 where
only a plain rule finds one: newlines in formulas, list numbers, factorials, ellipses and other dots, from both models.
Each was read with 120 characters on either side: a sentence, a line of reasoning, a heading or an item of a list is at
its end there, or not. `cuts-of-traces.jsonl` has where they are and what was judged, and no text: [offset, hash of
the 40 characters around it, whether it is an end, draws].
"""

import gzip
import hashlib
import json
import random
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from relay.sentences import Scanner, ends

JUDGED = Path(__file__).with_name("cuts-of-traces.jsonl")
PLAIN = re.compile(r"[.!?](?=\s)|\n+")
MOST = 0.02  # of the places may be judged otherwise than the rule does


class Place(NamedTuple):
    text: str
    at: int
    is_end: bool
    draws: list[int]


@pytest.fixture
def texts(shared: Path) -> dict[tuple[str, str], str]:
    """Thought and answer of each trace, by its file and problem."""
    found = {}
    for file in sorted((shared / "traces").glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                found[file.name, row["problem_id"]] = "\n\n".join(filter(None, (row["reasoning"], row["response"])))
    return found


def judged(texts: dict[tuple[str, str], str]) -> list[Place]:
    found = []
    for row in map(json.loads, JUDGED.read_text(encoding="utf-8").splitlines()):
        text = texts[row["trace"], row["problem_id"]]
        for at, its_hash, is_end, draws in row["places"]:
            around = hashlib.sha256(text[max(0, at - 20) : at + 20].encode()).hexdigest()
            assert around.startswith(its_hash), f"{row['trace']}, {row['problem_id']}: another text at {at}"
            found.append(Place(text, at, is_end, draws))
    return found


def wrong(places: list[Place], found: dict[str, set[int]]) -> int:
    return sum((place.at in found[place.text]) != place.is_end for place in places)


def test_of_the_places_judged_by_eye_at_most_two_in_a_hundred_are_wrong(texts: dict[tuple[str, str], str]) -> None:
    places = judged(texts)
    read = {place.text for place in places}
    ours = {text: set(ends(text)) for text in read}
    plain = {text: {mark.end() for mark in PLAIN.finditer(text)} for text in read}
    assert all(sum(draw in place.draws for place in places) == 300 for draw in (1, 2, 3))
    assert min(sum(place.is_end for place in places), sum(not place.is_end for place in places)) > 200
    for draw in (1, 2, 3):
        drawn = [place for place in places if draw in place.draws]
        bad = wrong(drawn, ours)
        print(f"draw {draw}: of {len(drawn)} places wrong: our rule {bad}, a plain rule {wrong(drawn, plain)}")
        assert bad <= MOST * len(drawn)


def test_real_texts_fed_in_pieces_have_the_same_ends(texts: dict[tuple[str, str], str]) -> None:
    rng = random.Random(20)
    for text in list(texts.values())[::25]:
        scanner, at = Scanner(), 0
        while at < len(text):
            size = rng.randint(1, 9)
            scanner.feed(text[at : at + size])
            at += size
        assert scanner.sentences == ends(text)
