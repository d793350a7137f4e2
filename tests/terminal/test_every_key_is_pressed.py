"""Every key of the monitor is pressed by a test: a binding that is new has none, and this one fails."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

from relay.tui import monitor

HERE = Path(__file__).parent
KEYS, ACTS, LIST, LIVE = "test_monitor_keys", "test_monitor_taking_part", "keys_of_the_list", "a_question_is_seen"
# By class and key: a word of the name of the test that presses it, and that test's module.
PRESSED = {
    "Monitor": {"ctrl+p": ("command_palette", KEYS)},
    "RunScreen": {
        "slash": ("a_filter", KEYS), "escape": ("a_filter", KEYS), "s": ("sorting", KEYS), "S": ("turns_round", KEYS),
        "d": ("side_by_side", KEYS), "p": ("whole_run", ACTS), "question_mark": ("help_opens", KEYS),
        "t": ("help_opens", KEYS), "q": ("q_leaves", KEYS),
    },
    "Rollouts": {
        "up": (LIST, KEYS), "k": (LIST, KEYS), "down": (LIST, KEYS), "j": (LIST, KEYS), "home": (LIST, KEYS),
        "G": (LIST, KEYS), "end": (LIST, KEYS), "enter": ("enter_opens", KEYS), "pageup": ("pages_go", KEYS),
        "pagedown": ("pages_go", KEYS),
    },
    "TraceScreen": {
        "escape": ("are_left", KEYS), "q": ("are_left", KEYS), "question_mark": ("help_opens", KEYS),
        "slash": ("a_search", KEYS), "equals_sign": ("asked_for", KEYS), "space": ("a_replay", KEYS),
        "g": ("the_graph_gives", KEYS), "c": ("are_copied", KEYS), "C": ("are_copied", KEYS),
        "left_square_bracket": ("brackets", KEYS), "right_square_bracket": ("brackets", KEYS),
        "plus": ("a_replay", KEYS), "minus": ("a_replay", KEYS), "t": ("help_opens", KEYS),
    },
    "TakesPart": {
        "a": (LIVE, ACTS), "p": ("pause_insert", ACTS), "s": ("step_and", ACTS), "i": ("pause_insert", ACTS),
        "e": ("pause_insert", ACTS), "v": ("pause_insert", ACTS), "o": ("step_and", ACTS), "b": ("step_and", ACTS),
    },
    "Thought": {
        **{key: ("segments_handoffs", KEYS) for key in ("j", "k", "n", "N", "x")},
        "f": ("a_search", KEYS), "F": ("a_search", KEYS),
    },
    "TwoScreen": {
        "tab": ("tab_goes", KEYS), "question_mark": ("help_opens", KEYS), "t": ("help_opens", KEYS),
        "escape": ("are_left", KEYS), "q": ("are_left", KEYS),
    },
    "Help": {key: ("help_opens", KEYS) for key in ("escape", "q", "question_mark", "enter")},
    "Ask": {"escape": ("asked_for", KEYS)},
    "Write": {"ctrl+s": ("pause_insert", ACTS), "escape": ("a_dialog_can_be_left", ACTS)},
    "Choose": {"escape": (LIVE, ACTS)},
}  # fmt: skip
CARRIERS = {"writes": "ctrl+s", "held": "p"}  # what a test calls to press a key, in test_monitor_taking_part


def bound() -> Iterator[tuple[str, str]]:
    """Every class of the monitor with every key that it binds."""
    for found in pkgutil.iter_modules(monitor.__path__, f"{monitor.__name__}."):
        module = importlib.import_module(found.name)
        for name, kind in vars(module).items():
            if isinstance(kind, type) and issubclass(kind, DOMNode) and kind.__module__ == found.name:
                for binding in vars(kind).get("BINDINGS", ()):
                    keys = binding.key if isinstance(binding, Binding) else binding[0]
                    yield from ((name, key) for key in keys.split(","))


def test_every_binding_has_a_test() -> None:
    assert set(bound()) == {(name, key) for name, keys in PRESSED.items() for key in keys}


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, keys in PRESSED.items() for key in keys])
def test_that_test_presses_it(name: str, key: str) -> None:
    word, module = PRESSED[name][key]
    tree = ast.parse((HERE / f"{module}.py").read_text())
    tests = [node for node in tree.body if getattr(node, "name", "").startswith("test_") and word in node.name]  # type: ignore[attr-defined]
    assert len(tests) == 1, f"{word}: {len(tests)} tests"
    words = [node.value for node in ast.walk(tests[0]) if isinstance(node, ast.Constant)]
    called = {CARRIERS.get(getattr(node, "id", getattr(node, "attr", ""))) for node in ast.walk(tests[0])}
    assert key in words or key in called
