"""Nothing that a model wrote reaches the terminal with its control characters."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from relay.tui.safe import one_line, visible


def test_escape_sequences_are_shown_not_obeyed() -> None:
    assert visible("\x1b[2J\x07\x1b]0;title\x07") == "␛[2J␇␛]0;title␇"
    assert visible("a\rb\x7f\x9b31m") == "a␍b␡<U+009B>31m"


def test_direction_overrides_and_invisible_characters_are_shown() -> None:
    assert visible("a\u202eb\u200bc\ufeff") == "a<U+202E>b<U+200B>c<U+FEFF>"


def test_ordinary_text_stays_as_it_is() -> None:
    text = "Größe = 2 √ 3\n\tかな 漢字 👍 $\\frac{1}{2}$"
    assert visible(text) == text


@given(st.text(st.characters()))
def test_what_is_shown_holds_no_control_character(text: str) -> None:
    for character in visible(text):
        assert character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
        assert unicodedata.bidirectional(character) not in (
            "LRO",
            "RLO",
            "LRE",
            "RLE",
            "PDF",
            "LRI",
            "RLI",
            "FSI",
            "PDI",
        )


@given(st.text(), st.integers(1, 80))
def test_one_line_is_one_line(text: str, width: int) -> None:
    line = one_line(text, width)
    assert "\n" not in line
    assert len(line) <= width
