"""The strip of surprise: a bar a token, or for the most surprising of several."""

import pytest

from relay.tui.monitor.surprise import strip, told


@pytest.mark.parametrize(
    ("nats", "width", "bars"),
    [
        ([0.0, 0.4, 0.5, 3.4, 3.5, 99.0], 10, "▁▁▂▇██"),
        ([0.0, 4.0, 0.0, 0.0, 1.0, 0.0], 3, "█▁▃"),
        ([0.1] * 7, 3, "▁▁▁"),
        ([1.0], 0, "▃"),
    ],
)
def test_bars(nats: list[float], width: int, bars: str) -> None:
    assert strip(nats, width) == bars


def test_the_line_fits_its_width_and_says_what_the_bars_are() -> None:
    line = told([0.5] * 500, 80)
    assert len(line) <= 80
    assert line.endswith(" up to 0.5 nats, 0.50 a token")
