"""The monitor's keys: each does what the help says."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from relay.store.reader import Run
from relay.tui.monitor.app import Monitor
from relay.tui.monitor.dialogs import Ask, Help
from relay.tui.monitor.picture import settled
from relay.tui.monitor.rollouts import Rollouts
from relay.tui.monitor.run_screen import RunScreen
from relay.tui.monitor.story import handoffs
from relay.tui.monitor.thought import Thought
from relay.tui.monitor.trace_screen import TraceScreen
from relay.tui.monitor.two_screen import TwoScreen


class Driver:
    """A monitor, and what presses its keys."""

    def __init__(self, app: Monitor, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    async def press(self, *keys: str) -> None:
        """Press them and wait until all has been read."""
        await self.pilot.press(*keys)
        await settled(self.app, self.pilot)

    @property
    def rollouts(self) -> Rollouts:
        return self.app.screen.query_one(Rollouts)

    @property
    def thought(self) -> Thought:
        return self.app.screen.query_one(Thought)

    def lines(self) -> list[str]:
        """What stands on the screen."""
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    def shows(self, words: str) -> bool:
        return any(words in line for line in self.lines())

    def toasts(self) -> str:
        """What the notices say that are there."""
        return "; ".join(notice.message for notice in self.app._notifications)


Watching = Callable[..., "AsyncIterator[Driver]"]


@asynccontextmanager
async def watching(path: Path, *args: object, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Driver]:
    app = Monitor(path, *args)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        yield Driver(app, pilot)


async def test_the_first_screen_has_every_cell_its_score_and_the_newest_rollouts(helped: Path) -> None:
    async with watching(helped) as d:
        for words in ("Two help each other", "■ done", "48/48 rollouts", "m=1 n=1", "main", "✗ 99, not"):
            assert d.shows(words), (words, d.lines())
        assert d.rollouts.number == 47


async def test_the_counts_are_those_of_the_report(helped: Path) -> None:
    from relay.measure.scores import scores
    from relay.tui.monitor.cells import counts

    async with watching(helped) as d:
        screen = d.app.screen
        assert isinstance(screen, RunScreen)
        assert screen._seen is not None
        shown = counts(screen._seen, screen._intervals)
    with Run(helped) as run:
        told = scores(run)
    assert [(c.name, c.graded, c.correct, c.interval) for c in shown] == [
        (s.cell, s.graded, s.correct, s.interval) for s in told
    ]
    assert sum(w.decoded for w in screen._seen.work.values()) == sum(s.decoded for s in told)


@pytest.mark.parametrize(
    ("keys", "number"),
    [
        (["j"], 46), (["down", "down", "k"], 46), (["down", "up"], 47), (["end"], 0), (["end", "home"], 47),
        (["end", "G"], 47),
        (["pagedown", "pageup"], 47), (["s", "s", "s", "s", "s", "s"], 47), (["S"], 47),
    ],
)  # fmt: skip
async def test_keys_of_the_list_move_the_cursor(helped: Path, keys: list[str], number: int) -> None:
    async with watching(helped) as d:
        await d.press(*keys)
        assert d.rollouts.number == number


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("wrong", "outcome.text = 'wrong'"),
        ("correct m=2", "outcome.text = 'correct' AND c.name LIKE '%m=2%'"),
        ("#7", "r.id = 7"),
        ("sum-0002 budget", "p.key = 'sum-0002' AND stop.text LIKE 'budget%'"),
        ("open", "r.stop IS NULL"),
        ("writing", "r.stop IS NULL"),
        ("'; DROP TABLE step; --", "0"),
        ("tokens>60", "(SELECT sum(decoded) FROM step s WHERE s.rollout = r.id) > 60"),
    ],
)
async def test_a_filter_leaves_the_rollouts_that_hold_all_its_words(helped: Path, words: str, where: str) -> None:
    with Run(helped) as run:
        held = [row.id for row in run.rollouts(where)]
    async with watching(helped) as d:
        await d.press("slash")
        d.app.screen.query_one("#filter", Input).value = words
        await d.press("enter")
        assert [d.rollouts._number(i) for i in range(d.rollouts.count)] == held[::-1]
        await d.press("escape")
        assert d.rollouts.count == 48


async def test_that_no_rollout_has_the_words_is_said(helped: Path) -> None:
    async with watching(helped, size=(80, 24)) as d:
        await d.press("slash", *"wrnog", "enter")
        assert d.shows("no rollout has all of this: wrnog")


async def test_a_count_that_is_none_is_said(helped: Path) -> None:
    async with watching(helped) as d:
        await d.press("slash", *"tokens", "greater_than_sign", *"abc", "enter")
        assert "'tokens>abc' is looked for in names" in d.toasts()


async def test_keys_that_do_nothing_say_why_and_ctrl_c_says_which_key_leaves(helped: Path) -> None:
    async with watching(helped) as d:
        await d.press("p", "ctrl+c")
        assert "only a run that goes on can be paused: this one is done" in d.toasts()
        assert "q leaves" in d.toasts()
        await d.press("enter", "i", "ctrl+c")
        assert "this rollout has ended: b branches off from it" in d.toasts()
        assert "q leads back, and once more leaves" in d.toasts()


async def test_no_column_of_the_list_is_cut_at_80_columns(helped: Path) -> None:
    async with watching(helped, size=(80, 24)) as d:
        assert sum(d.rollouts.widths()) + 37 <= 79, "a scroll bar stands beside them"


async def test_of_a_few_lines_the_list_has_them(helped: Path) -> None:
    async with watching(helped, size=(60, 12)) as d:
        assert d.shows("sum-0003")


async def test_sorting_by_each_column_orders_the_rows_by_it(helped: Path) -> None:
    with Run(helped) as run:
        rows = {row.id: row for row in run.rollouts()}
    keys = {
        "problem": lambda r: r.problem, "cell": lambda r: r.id % 6, "state": lambda r: r.state,
        "verdict": lambda r: r.outcome, "tokens": lambda r: -r.tokens,
    }  # fmt: skip
    async with watching(helped) as d:
        for key in keys.values():
            await d.press("s")
            shown = [rows[d.rollouts._number(i)] for i in range(d.rollouts.count)]
            assert len(shown) == 48
            assert [key(r) for r in shown] == sorted(key(r) for r in shown)  # type: ignore[no-untyped-call,type-var]


async def test_pages_go_down_and_up_and_the_order_turns_round(helped: Path) -> None:
    async with watching(helped) as d:
        await d.press("pagedown", "pagedown")
        assert d.rollouts.number is not None
        assert d.rollouts.number < 30
        await d.press("pageup")
        assert 10 < d.rollouts.number < 40
        await d.press("home", "S")
        assert [d.rollouts._number(i) for i in range(3)] == [0, 1, 2]


async def test_enter_opens_a_thought_and_escape_leads_back_and_q_leaves(helped: Path) -> None:
    async with watching(helped) as d:
        await d.press("j", "enter")
        assert isinstance(d.app.screen, TraceScreen)
        assert d.app.screen.number == 46
        await d.press("escape")
        assert isinstance(d.app.screen, RunScreen)
        await d.press("q")
        assert not d.app.is_running


@pytest.mark.parametrize("screen", [RunScreen, TraceScreen, TwoScreen])
async def test_help_opens_and_closes_and_light_and_dark_change(helped: Path, screen: type) -> None:
    async with watching(helped) as d:
        if screen is not RunScreen:
            await d.press(*(["enter"] if screen is TraceScreen else ["d", "j", "d"]))
        for back in ("escape", "q", "question_mark", "enter"):
            await d.press("question_mark")
            assert isinstance(d.app.screen, Help)
            await d.press(back)
            assert isinstance(d.app.screen, screen)
        dark = d.app.theme
        await d.press("t")
        assert d.app.theme != dark
        await d.press("t")
        assert d.app.theme == dark


@pytest.mark.parametrize("back", ["escape", "q"])
async def test_a_thought_and_two_are_left(helped: Path, back: str) -> None:
    async with watching(helped) as d:
        for keys, screen in ((["enter"], TraceScreen), (["d", "j", "d"], TwoScreen)):
            await d.press(*keys)
            assert isinstance(d.app.screen, screen)
            await d.press(back)
            assert isinstance(d.app.screen, RunScreen)


async def test_of_two_thoughts_tab_goes_to_the_other(helped: Path) -> None:
    async with watching(helped) as d:
        await d.press("d", "j", "d")
        assert d.app.focused is d.app.screen.query_one("#left")
        await d.press("tab")
        assert d.app.focused is d.app.screen.query_one("#right")
        left, right = (d.app.screen.query_one(side, Thought) for side in ("#left", "#right"))
        before = left.cursor, right.cursor
        await d.press("j")
        assert (left.cursor, right.cursor) == (before[0], before[1] + 1)


async def test_segments_handoffs_and_folds_have_keys(helped: Path) -> None:
    async with watching(helped, 0) as d:
        blocks = d.thought.blocks
        await d.press("j", "j", "k")
        assert d.thought.cursor == 1
        places = list(handoffs(blocks))
        assert len(places) >= 2
        await d.press("k", "n")
        assert d.thought.cursor == places[0]
        await d.press("n", "N")
        assert d.thought.cursor == places[0]
        assert d.shows("draft of helper")
        assert not d.shows("I guess")
        await d.press("x")
        assert d.shows("I guess")
        await d.press("x")
        assert not d.shows("I guess")


async def test_what_a_model_wrote_is_shown_and_never_obeyed(helped: Path) -> None:
    async with watching(helped, 0) as d:
        await d.press("x")
        assert d.shows("␛[31mI guess<U+202E>")
        assert not any("\x1b" in line or "\u202e" in line for line in d.lines())


async def test_every_line_is_as_wide_as_the_screen_wide_characters_counted_twice(helped: Path) -> None:
    from rich.cells import cell_len

    async with watching(helped, 2, size=(80, 24)) as d:
        assert d.shows("世界")
        assert {cell_len(line) for line in d.lines()} == {80}


async def test_a_search_marks_the_words_and_f_goes_on(helped: Path) -> None:
    async with watching(helped, 0) as d:
        await d.press("slash", *"add", "enter")
        first = d.thought.cursor
        assert "add" in d.thought.blocks[first].text
        await d.press("f")
        assert d.thought.cursor != first
        assert "add" in d.thought.blocks[d.thought.cursor].text
        await d.press("F")
        assert d.thought.cursor == first


async def test_a_segment_and_the_thought_are_copied_as_they_are_seen(helped: Path) -> None:
    async with watching(helped, 0) as d:
        await d.press("c")
        assert d.app.clipboard == d.thought.blocks[0].text
        await d.press("C")
        assert d.app.clipboard.endswith("The answer is 15.")
        assert "guess" not in d.app.clipboard


async def test_two_rollouts_stand_side_by_side_with_the_first_different_token_marked(helped: Path) -> None:
    async with watching(helped) as d:
        await d.press("end", "d", "k", "k", "k", "k", "k", "k", "d")
        assert isinstance(d.app.screen, TwoScreen)
        assert d.app.screen.numbers == (0, 6)
        assert d.shows("tokens; the first different one is marked")
        await d.press("escape")
        assert isinstance(d.app.screen, RunScreen)


async def test_another_rollout_is_asked_for_from_a_thought(helped: Path) -> None:
    async with watching(helped, 0) as d:
        await d.press("equals_sign")
        assert isinstance(d.app.screen, Ask)
        await d.press("escape")
        assert isinstance(d.app.screen, TraceScreen)
        await d.press("equals_sign", "x", "enter")
        assert isinstance(d.app.screen, TraceScreen), "no number, no rollout"
        assert "'x' is no number of a rollout" in d.toasts()
        await d.press("equals_sign", "2", "4", "enter")
        assert isinstance(d.app.screen, TwoScreen)
        assert d.shows("the same, token by token")  # sample 1 of the same problem: scripts say the same


async def test_a_replay_plays_halts_and_goes_faster(helped: Path) -> None:
    async with watching(helped, 0) as d:
        screen = d.app.screen
        assert isinstance(screen, TraceScreen)
        whole = len(screen.query_one(Thought).blocks)
        await d.pilot.press("space", "space")
        assert screen._playing is not None
        assert screen._playing.paused
        assert len(d.thought.blocks) < whole
        await d.pilot.press("plus", "plus", "minus")
        assert screen._playing.speed == 2
        screen._playing.speed = 10_000
        await d.pilot.press("space")
        for _ in range(100):
            await d.pilot.pause(0.05)
            if screen._playing is None:
                break
        assert len(d.thought.blocks) == whole


async def test_pens_are_a_tree_and_brackets_choose_one(branches: Path) -> None:
    async with watching(branches, 0) as d:
        for words in ("pens", "▶0 end", "0.0 join", "0.2 join", "goes on from pen"):
            assert d.shows(words), (words, d.lines())
        await d.press("right_square_bracket", "right_square_bracket")
        assert d.shows("▶  0.1 join")
        assert d.shows("It is a guess.")
        assert [b.author for b in d.thought.blocks] == ["open", "fan", "try"]
        await d.press("left_square_bracket")
        assert d.shows("▶  0.0 join")


async def test_the_pen_is_named_where_the_tree_has_no_room(branches: Path) -> None:
    async with watching(branches, 0, size=(80, 24)) as d:
        await d.press("right_square_bracket")
        assert d.shows("#0  pen 0.0")


async def test_the_graph_gives_its_place_to_the_text_and_takes_it_back(helped: Path) -> None:
    async with watching(helped, 0, size=(80, 24)) as d:
        assert not d.shows("→ check")
        await d.press("g")
        assert d.shows("→ check")
        await d.press("g")
        assert not d.shows("→ check")


async def test_a_click_chooses_and_two_open(helped: Path) -> None:
    async with watching(helped) as d:
        await d.pilot.click(Rollouts, offset=(10, 3))
        assert d.rollouts.number == 45
        await d.pilot.click(Rollouts, offset=(10, 4), times=2)
        await settled(d.app, d.pilot)
        assert isinstance(d.app.screen, TraceScreen)
        assert d.app.screen.number == 44


async def test_the_command_palette_opens(helped: Path) -> None:
    async with watching(helped) as d:
        await d.pilot.press("ctrl+p")
        await d.pilot.pause()
        assert type(d.app.screen).__name__ == "CommandPalette"


async def test_every_key_s_command_is_in_the_palette_and_does_the_same(helped: Path) -> None:
    async with watching(helped, 2) as d:
        commands = {command.title: command for command in d.app.get_system_commands(d.app.screen)}
        assert {"Handoff", "Fold", "Play", "Graph", "Copy all", "Beside", "Back", "Search", "Faster"} <= set(commands)
        commands["Copy all"].callback()
        await d.pilot.pause()
        assert d.app.clipboard.endswith("The answer is 15.")
