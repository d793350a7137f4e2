"""Where the answer stands in what a model wrote."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.verifiers import SHOWN, shown
from relay.verifiers.answer import TAIL, find
from relay.verifiers.math import decide
from relay.verifiers.plain import read
from relay.verifiers.spelling import tidy


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"\boxed{\frac{1}{\sqrt{2}}}", r"\frac{1}{\sqrt{2}}"),
        (r"first \boxed{1}, then much later and after a long discussion \boxed{2} and no more", "2"),
        (r"\boxed{1} or $\boxed{2}$, \boxed{3}", "1, 2, 3"),
        (r"\boxed{1}, \boxed{1}", "1"),
        (r"\boxed{a} but not \boxed{b}", "b"),
        (r"\boxed{5} and \boxed{\frac{1}{2}", "5"),
        (r"\boxed{x \boxed{5}", "5"),
        (r"\boxed {5}", "5"),
        (r"\boxed{\text{a \} b}}", r"\text{a \} b}"),
        ("stray } and { braces \\boxed{5}", "5"),
        (r"The answer is 3, but the box says \boxed{4}", "4"),
        ("The answer is: **$5$**.", "$5$"),
        ("Answer:\n\n7", "7"),
        ("the answer would be 3.5 m.", "3.5 m"),
        ("The answer is $18.", "$18"),
        ("The answers are 3 and 4, as they sum to 7.", "3"),
        ("x = 3\ny = 4.", "4"),
        ("\\[ x = 3 + 4 = 7 \\]", "7"),
        ("$a = b$", "b"),
        ("We get 5.", "5"),
        ("from $x^2$ we get $\\sqrt{7}$", r"\sqrt{7}"),
        ("costs $5 in all, or 7 with tax", "7"),
        ("Yes.", "Yes"),
        ("3-5", "5"),
        ("it fell to -5", "-5"),
        ("x < y <= z", "x < y <= z"),
        ("", ""),
        ("a long sentence that holds neither a number nor anything else that answers", ""),
    ],
)
def test_the_answer_is_found(text, answer):
    assert find(text) == answer


def test_only_the_end_of_a_text_is_looked_at():
    assert find("\\boxed{1}" + " " * TAIL + "\\boxed{2}") == "2"
    assert find("\\boxed{1}" + " " * TAIL) == ""


def test_a_shown_answer_is_short_and_can_be_stored():
    assert shown("x" * 500) == "x" * (SHOWN - 1) + "…"
    assert shown("a\ud800b\x00c").encode() == "a?b\ufffdc".encode()


SPELLINGS = [
    "\\boxed{",
    "}",
    "{",
    "\\",
    "$",
    "=",
    "1",
    "2.5",
    ",",
    "/",
    "\\frac",
    "\\text{",
    "cm",
    "%",
    "x",
    "_5",
    "####",
]
SPELLINGS += ["\\(", "\\)", "^\\circ", "e9", "10^", "\\overline{3}", ".", "-", "(", ")", "0"]
PIECES = st.sampled_from([*SPELLINGS, "answer is ", "\n", " ", "\ud800", "\x00"])


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join), st.lists(PIECES, max_size=12).map("".join))
def test_no_text_at_all_makes_finding_or_deciding_fail(text, reference):
    answer = find(text)
    decide(tidy(reference), tidy(answer))
    shown(answer).encode()


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_an_answer_equals_itself(text):
    number = read(tidy(text))
    found = decide(tidy(text), tidy(text))
    assert found is not None
    assert (found[0] == "correct") == bool(tidy(text)), (text, number)


@given(st.integers(), st.integers(min_value=1), st.booleans())
def test_a_fraction_is_read_exactly_however_it_is_written(above, below, comma):
    number = f"{above:,}" if comma else str(above)
    slash, frac = read(f"{number}/{below}"), read(rf"\frac{{{number}}}{{{below}}}")
    if slash and frac:
        assert slash.value == frac.value
        assert slash.value * below == above
