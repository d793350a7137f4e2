"""The sweep as a heat map, and each cell's progress and score; a number stands wherever a colour does."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.text import Text
from textual.widgets import Static

from relay.measure.proportions import Interval
from relay.store.following import Seen
from relay.tui.safe import one_line

FEW = 20  # rollouts below which a score is dimmed
BARS = "▁▂▃▄▅▆▇█"
# From dark blue to light yellow, as cividis goes: its lightness rises evenly, for colour-blind readers too.
SHADES = ("#00224e", "#1a386f", "#434e6c", "#61656f", "#7d7c78", "#9b9476", "#bcae6c", "#dfcb55", "#fee838")


class Count(NamedTuple):
    """One cell, counted."""

    name: str
    settings: Mapping[str, Any]
    done: int
    expected: int
    graded: int
    correct: int
    left_out: int  # missing and failed
    interval: Interval | None

    @property
    def score(self) -> float | None:
        """The share that is correct."""
        return self.correct / self.graded if self.graded else None


def counts(seen: Seen, intervals: Mapping[int, Interval | None]) -> list[Count]:
    """The cells of a run as they stand."""
    facts = seen.facts
    done, graded, correct, out = Counter[int](), Counter[int](), Counter[int](), Counter[int]()
    for end, n in seen.ends.items():
        done[end.cell] += n
        graded[end.cell] += n if end.outcome else 0
        correct[end.cell] += n if end.outcome == "correct" else 0
        out[end.cell] += n if end.stop in ("missing", "failed") else 0
    each = facts.expected // len(facts.cells) if facts.cells else 0
    return [
        Count(name, facts.settings[i], done[i], each, graded[i], correct[i], out[i], intervals.get(i))
        for i, name in enumerate(facts.cells)
    ]


class Cells(Static):
    """The heat map, where two things are swept, and a line for each cell."""

    _shown: Sequence[Count] = ()

    def show(self, seen: Seen, intervals: Mapping[int, Interval | None]) -> None:
        """Show these counts."""
        if (found := counts(seen, intervals)) != self._shown:
            self._shown = found
            self.on_resize()

    def on_resize(self) -> None:
        """The lines are as wide as there is room."""
        found = self._shown
        width = max(20, self.size.width or 34)
        self.update(Text("\n").join([*heat(found), *(_line(c, width) for c in found)]))


def heat(found: Sequence[Count]) -> Iterator[Text]:
    """Rows of the heat map; none unless just two things are swept over several values each."""
    plain = [c for c in found if not c.settings.get("without")]
    values = {key: list(dict.fromkeys(str(c.settings.get(key)) for c in plain)) for c in plain for key in c.settings}
    swept = [key for key, several in values.items() if len(several) > 1 and key != "without"]
    if len(swept) != 2:
        return
    across, down = sorted(swept, key=lambda key: -len(values[key]))
    at = {(str(c.settings.get(down)), str(c.settings.get(across))): c for c in plain}
    corner = one_line(rf"{down} \ {across}", 9)
    yield Text(f"{corner:>9}" + "".join(f"{one_line(v, 5):>6}" for v in values[across]), "dim")
    for row in values[down]:
        line = Text(f"{one_line(row, 9):>9}", "dim")
        for column in values[across]:
            line.append_text(_patch(at.get((row, column))))
        yield line
    yield Text()


def _patch(count: Count | None) -> Text:
    """One place of the heat map, six wide."""
    if count is None or count.score is None:
        return Text("     ·", "dim")
    ground = SHADES[min(len(SHADES) - 1, int(count.score * len(SHADES)))]
    ink = "#ffffff" if count.score * len(SHADES) < 5 else "#000000"
    few = " dim" if count.graded < FEW else ""
    return Text.assemble(" ", (f"{100 * count.score:4.0f} ", f"{ink} on {ground}{few}"))


def _line(count: Count, width: int) -> Text:
    """A cell: its name, a bar as high as its score, the score, its interval, how many are done."""
    done = f"{count.done:,}/{count.expected:,}" if count.expected else f"{count.done:,}"
    score, bar = "–", " "
    if count.score is not None:
        score, bar = f"{100 * count.score:.0f}", BARS[min(7, int(8 * count.score))]
    between = ""
    if count.interval is not None:
        between = f"{100 * count.interval.low:.0f}–{100 * count.interval.high:.0f}"
    facts = f" {bar} {score:>3} {between:>6} {done:>9}"
    room = max(4, width - len(facts))
    name = one_line(count.name, room)
    line = Text(name + " " * (room - cell_len(name)), no_wrap=True)
    return line.append(facts, style="dim" if count.graded < FEW else "")
