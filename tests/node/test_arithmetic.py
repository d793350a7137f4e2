"""What `compute` reads before an open "=", and what it writes: by table."""

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.node.algebra import calculator
from relay.node.arithmetic import NoResultError, find
from relay.node.exact import NoFractionError, plain, value, written


def result(text: str) -> str:
    """What is written after this text, or why nothing is."""
    try:
        found = find(text)
        return found.lead + written(value(found.tree), found)
    except NoResultError as why:
        return f"no result: {why}"


RESULTS = {
    "So it is 12 * (3 + 4) =": " 84",
    "3+4=": "7",
    "3 + 4 = ": "7",
    "Total:3+4=": "7",
    "a = b = 2 × 3 =": " 6",
    "Then 7 − 10 =": " -3",
    "= -3 + 4 =": " 1",
    "the sum is -3 + 4 =": " 1",
    "\n- 3 + 4 =": " 7",  # the mark of a list
    "\n-3+4 =": " 1",
    "1. 3 + 4 =": " 7",
    "2) 3 * 4 =": " 12",
    "**3 + 4 =": " 7",
    "$3 + $4 =": " 7",
    "5 x 3 + 2 =": " 17",
    "1,234 * 2 =": " 2,468",
    r"$1{,}000 \times 3 =": r" 3{,}000",
    "100 ÷ 8 =": " 25/2",
    "6/4 =": " 3/2",
    "0.5 * 3 =": " 1.5",
    "1.50 * 4 =": " 6",
    "0.1 * 0.05 =": " 0.005",
    "0.1/3 =": " 1/30",  # its decimals never end
    "2^3^2 =": " 512",
    "-2^2 =": " -4",
    "2^-1 =": " 1/2",
    "2(3+4) =": " 14",
    "[2 + 3] * (4) =": " 20",
    r"\frac{1}{2} \cdot 3 =": r" \frac{3}{2}",
    r"\(\frac{7}{3} =": "no result: nothing to compute",
    r"\left( 1 + 2 \right)^2 &=": " 9",
    r"\left( 1 + 2 \right)^{2} &= ": "9",
    r"\sqrt{16} + \sqrt[3]{27} =": " 7",
    "√9 * 2 =": " 6",
    "9^0.5 =": " 3",
    "(-8)^(1/3) =": " -2",
}

NOTHING = {
    "It is 12 =": "nothing to compute",
    "It is 1/2 =": "nothing to compute",
    "no sign at all": "no open =",
    "": "no open =",
    "1 + 2 <=": "no open =",
    "1 + 2 ==": "no open =",
    "1 + 2 = 3": "no open =",
    "=": "no arithmetic before =",
    "apples =": "no arithmetic before =",
    "3 + =": "no arithmetic before =",
    "x - 3 + 4 =": "not only numbers",
    "x=x -3+4 =": "not only numbers",
    "2x + 3 =": "not only numbers",
    "5 apples + 3 =": "not only numbers",
    "f(3) + 4 =": "not only numbers",
    "log 3 + 4 =": "not only numbers",
    "20% of 50 * 2 =": "not only numbers",
    "5! + 1 =": "not only numbers",
    r"\pi (3 + 4) =": "not only numbers",
    r"x^2 + 3 =": "not only numbers",
    r"\(10 \ast 3 + 1 =": "not only numbers",  # whatever that operation is
    "2 1/2 + 1 =": "unclear",  # a mixed number, or two
    "1,5 + 2 =": "unclear",
    "10:30 + 5 =": "unclear",
    "5x3 + 2 =": "not only numbers",
    "the square of 3 + 4 =": "not only numbers",
    "3.14.15 + 1 =": "unclear",
    "1/0 =": "division by zero",
    "0^-1 =": "division by zero",
    "0^0 =": "not defined",
    "sqrt(-4) =": "not a real number",
    "9**9**9**9 =": "too large",
    "10^100000 =": "too large",
    "2^4000 =": "too large",
    "0.1^99999999999999999999 =": "too large",
    "(" * 50 + "1" + ")" * 50 + " =": "nested too deep",
    "(" * 10_000 + "1" + ")" * 10_000 + " =": "too long",
    "9" * 1_000_000 + " + 1 =": "too long",
    "1+" * 500_000 + "1=": "too long",
    "-" * 1_000_000 + "1=": "too long",
    " " * 1_000_000 + "=": "no arithmetic before =",
    "1 + 2" + " " * 1_000_000 + "=": "no arithmetic before =",
}


@pytest.mark.parametrize("text", RESULTS)
def test_it_writes_the_result_as_the_text_around_has_it(text: str) -> None:
    assert result(text) == RESULTS[text]


@pytest.mark.parametrize("text", NOTHING, ids=lambda text: text[:30])
def test_where_there_is_nothing_to_write_it_says_why(text: str) -> None:
    began = time.perf_counter()
    assert result(text) == f"no result: {NOTHING[text]}"
    assert time.perf_counter() - began < 1


def test_random_arithmetic_agrees_with_python() -> None:
    """Random sums, products, quotients and powers of small numbers, against Python's own fractions."""
    import random
    from fractions import Fraction

    draw = random.Random(7)
    for _ in range(2000):
        words = [str(draw.randint(1, 30))]
        for _ in range(draw.randint(1, 5)):
            words += [draw.choice("+-*/"), str(draw.randint(1, 30))]
        expected = eval(" ".join(w if w in "+-*/" else f"Fraction({w})" for w in words), {"Fraction": Fraction})
        text = " ".join(words)
        said = result(f"so {text} =")
        assert said.strip() == str(expected) or (said == "no result: nothing to compute" and text.count("/") == 1), text


PIECES = st.sampled_from(
    ["1", "23", "4.5", "1,000", "+", "-", "*", "/", "^", "**", "(", ")", "[", "]", "{", "}", " ", "x", "is ", "$", "=",
     ".", r"\frac", r"\sqrt", "√", r"\times ", r"\left(", r"\right)", "\\", "%", ",", "\n", "é", "９", "²", "\x00",
     "sqrt("]
)  # fmt: skip


@settings(max_examples=500, deadline=1000)
@given(st.lists(PIECES, max_size=60).map("".join))
def test_no_text_makes_it_raise_or_hang(text: str) -> None:
    with suppress(NoFractionError):
        said = result(f"{text}=")
        assert len(said) < 80


ROOTS = {
    r"3 \times \sqrt{2} \cdot 2 =": r"6 \sqrt{2}",
    "sqrt(2) + 1 =": "1 + sqrt(2)",
    "2**0.5 * 3 =": "3*sqrt(2)",
    r"\frac{1}{\sqrt{2}} =": r"\frac{\sqrt{2}}{2}",
}


def test_roots_that_are_no_fractions_take_algebra() -> None:
    calculate = calculator()
    for text, expected in ROOTS.items():
        found = find(text)
        with pytest.raises(NoFractionError):
            value(found.tree)
        assert calculate(plain(found.tree), "\\" in text) == ("result", expected)
    assert calculate(plain(find("sqrt(2)/0 =").tree), False) == ("none", "division by zero")
    assert calculate(plain(find("(0-2)^(1/2) * sqrt(3) =").tree), False) == ("none", "not a real number")
