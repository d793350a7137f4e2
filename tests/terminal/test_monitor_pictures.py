"""Every screen of the monitor, as it was when somebody last looked at its picture and found it good.

`pytest tests/terminal/test_monitor_pictures.py --snapshot-update` draws them anew: look at them before you commit them.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from relay.tui.monitor.app import Monitor
from relay.tui.monitor.dialogs import Choose, Write
from relay.tui.monitor.picture import settled
from tests.terminal.frozen import NOW

SIZES = [(80, 24), (160, 48)]
SCREENS = {
    "run": ("helped", None, []),
    "run-wrong-by-tokens": ("helped", None, ["slash", *"wrong", "enter", *"sssss"]),
    "run-light": ("helped", None, ["t"]),
    "filter": ("helped", None, ["slash"]),
    "help": ("helped", None, ["question_mark"]),
    "trace": ("helped", 2, []),
    "trace-unfolded-graph": ("helped", 2, ["x", "n", "g"]),
    "trace-search-light": ("helped", 2, ["t", "slash", *"add", "enter"]),
    "trace-failed-in-budget": ("helped", 42, ["n", "n"]),
    "branches": ("branches", 0, ["g"]),
    "branch": ("branches", 0, ["g", "right_square_bracket", "right_square_bracket"]),
    "two": ("helped", None, ["end", "d", *"kkkkk", "k", "d"]),
    "ask": ("helped", 2, ["equals_sign"]),
    "trip": ("watched", 0, ["x", "j"]),
    "surprise": ("surprised", 0, ["j"]),
    "held": ("held", 1, []),
    "run-held": ("held", None, []),
    "asks-you": ("asking", 1, []),
    "asks-you-choose": ("asking", 1, ["a"]),
    "run-asks-you": ("asking", None, []),
}


def pressing(keys: list[str]) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def before(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, Monitor)
        await settled(app, pilot)
        for key in keys:
            await pilot.press(key)
            if key not in "abcdefghijklmnopqrstuvw" or len(key) > 1:
                await settled(app, pilot)
        await settled(app, pilot)
        await still(pilot)

    return before


async def still(pilot: Pilot[None]) -> None:
    """Nothing blinks and nothing is about to go."""
    for toast in pilot.app.screen.query("Toast"):
        await toast.remove()
    for field in pilot.app.screen.query("Input, TextArea"):
        field.cursor_blink = False  # type: ignore[attr-defined]
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "160x48"])
@pytest.mark.parametrize("screen", list(SCREENS))
def test_a_screen_looks_as_it_did(
    screen: str, size: tuple[int, int], made: Path, snap_compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.store.following.time.time", lambda: NOW)
    run, rollout, keys = SCREENS[screen]
    app = Monitor(made / f"{run}.relay", rollout)
    app.set_class(True, "still")
    assert snap_compare(app, terminal_size=size, run_before=pressing(list(keys)))


DIALOGS = {
    "write": lambda: Write("The last segment, as it should be:", "First 41 + 7 = 48.\nThen"),
    "choose": lambda: Choose("Is this step right?", ["good", "bad"]),
}


@pytest.mark.parametrize("dialog", list(DIALOGS))
def test_a_dialog_looks_as_it_did(dialog: str, made: Path, snap_compare: Any) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await pressing([])(pilot)
        await pilot.app.push_screen(DIALOGS[dialog]())  # type: ignore[arg-type]
        await pressing([])(pilot)

    app = Monitor(made / "helped.relay", 2)
    app.set_class(True, "still")
    assert snap_compare(app, terminal_size=SIZES[0], run_before=before)
