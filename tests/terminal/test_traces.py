"""What `relay show` and the monitor say of what is no part of a thought."""

from relay.problems import Problem
from relay.store.reader import Listed
from relay.trajectory import Segment
from relay.tui.colours import Authors
from relay.tui.console import Plain
from relay.tui.monitor.story import story
from relay.tui.trace import trace
from relay.walk import BY_HAND, HUMAN, TAKEN_BACK, Extra, Hop, StopReason


def wrote(text: str, node: str = "think", model: str = "m", stop: str = "sentences") -> Segment:
    return Segment(node, model, text, tuple(range(len(text.split()))), "t", stop)


HOPS = [
    Hop("0", 0, "think", 1, "think", wrote("One. ")),
    Hop("0", 1, BY_HAND, 1, "think", source="veto 7"),
    Hop("0", 2, BY_HAND, 2, "think", wrote("Of mine. ", BY_HAND, HUMAN, "inserted"), source="insert 8"),
    Hop("0", 3, BY_HAND, 3, "think", wrote("Another. ", BY_HAND, HUMAN, "edited"), source="edit 9"),
    Hop("0", 4, "think", 2, "think", wrote("and bad"), extra=Extra(apart=TAKEN_BACK)),
    Hop("0", 5, "think", 2, "help", wrote("Kept of it, ")),
    Hop("0", 6, "help", 1, "check", wrote("A draft of three. ", "help")),
    Hop("0", 7, "check", 1, "think", wrote("bad", "check"), extra=Extra("bad", apart="private", drops="help")),
    Hop("0", 8, "think", 3, "end", wrote("End."), rest=StopReason.END),
]
LISTED = Listed(0, "p", "1", "all", 0, "end", 9, "", "", "", "", None)


def test_a_trace_says_what_was_dropped_replaced_vetoed_and_taken_back_and_by_what() -> None:
    console = Plain()
    with console.capture() as capture:
        console.print(trace(LISTED, Problem("p", "q?", "1", "number", {}), HOPS))
    told = capture.get()
    places = [
        told.index(text) for text in ("One.", "Of mine.", "Another.", "Kept of it,", "and bad", "A draft", "End.")
    ]
    assert places == sorted(places), "what was taken back stands behind what is kept"
    said = dict(zip(("One", "mine", "edit", "kept", "back", "draft", "end"), places, strict=True))
    parts = {name: told[start : min([p for p in places if p > start], default=None)] for name, start in said.items()}
    assert "vetoed by hand" in parts["One"]
    assert "by hand: veto 7" in parts["One"]
    assert "takes back 1 tok of think" in parts["One"]
    assert "replaced by hand" in parts["mine"]
    assert "takes back 2 tok of (human)" in parts["edit"]
    assert "taken back" in parts["back"]
    assert "dropped" in parts["draft"]
    assert not any(word in parts["kept"] + parts["end"] for word in ("dropped", "by hand", "taken back"))


def test_a_folded_line_has_the_right_word_for_what_it_stands_for() -> None:
    folded = [block.folded for block in story(HOPS, "0", Authors(), {}) if block.folded]
    assert folded == [
        "draft of m, 1 tok, vetoed by hand",
        "(by hand: veto 7 · takes back 1 tok of think → think)",
        "text of human, 2 tok, replaced by hand",
        "tokens of m, 2 tok, taken back",
        "draft of m, 4 tok, dropped",
        "judgement of m, 1 tok, says bad",
    ]
