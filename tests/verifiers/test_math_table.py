r"""A table of answers, references and what is to be said of them, near misses included."""

import asyncio

import pytest

from relay.verifiers import Outcome, Question
from relay.verifiers.math import MathVerifier
from tests.verifiers.table_math import ROWS

C, W, U = Outcome.CORRECT, Outcome.WRONG, Outcome.UNDECIDED


def box(answer: str) -> str:
    return rf"Adding up, we get \(\boxed{{{answer}}}\)."


# text, reference, outcome, why it is so
TABLE = [
    # plain numbers
    (box("18"), "18", C, "the same"),
    (box("18."), "18", C, "a full stop is no part of a number"),
    (box("018"), "18", C, "a leading zero"),
    (box("18.0"), "18", C, "a decimal that is an integer"),
    (box("-18"), "18", W, "the sign"),
    (box("−18"), "-18", C, "a minus sign of Unicode"),
    (box("181"), "18", W, "a digit more"),
    (box("1,000"), "1000", C, "thousands"),
    (box("1000"), "1{,}000", C, "thousands as LaTeX writes them"),
    (box(r"5,\!040"), "5040", C, "thousands as MATH writes them"),
    (box("10 000"), "10000", C, "thousands set off by a space"),
    (box(r"10\,000"), "10000", C, "thousands set off by a thin space"),
    (box("1,00"), "100", W, "a comma that sets off no thousands"),
    (box("1, 2"), "12", W, "a list is no number"),
    (box("1 2"), "12", W, "two numbers are not one"),
    (box("76.8"), r"\$76.80", C, "money"),
    (box(r"\$76.80"), "76.8", C, "money on the other side"),
    (box("$76.08$"), r"\$76.80", W, "digits the wrong way round"),
    (box("1000 dollars"), "1000", C, "a unit in words"),
    (box(r"1000 \text{ dollars}"), "1000", C, "a unit as text"),
    (box(r"150 \text{ cents}"), r"\$1.50", C, "both name a measure of one kind"),
    (box(r"1.50 \text{ cents}"), r"\$1.50", W, "the right number of the wrong unit"),
    (box(r"5 \text{ m}"), r"5 \text{ cm}", W, "metres are no centimetres"),
    (box("1 hour"), "60 minutes", C, "the same time"),
    (box(r"5 \text{ cm}^2"), "5", C, "a unit with a power"),
    (box("3 million"), "3000000", C, "a number's word"),
    (box("86"), r"86^\circ", C, "degrees left out"),
    (box(r"180^{\circ}"), "180", C, "degrees put in"),
    (box("5th"), "5", C, "an ordinal"),
    (box(r"\dfrac{1}{2}"), r"\frac12", C, "two spellings of a fraction"),
    (box("0.5"), r"\frac{1}{2}", C, "a fraction as decimal"),
    (box(".5"), "1/2", C, "without the zero"),
    (box("2/4"), "1/2", C, "not reduced"),
    (box("2/1"), "1/2", W, "upside down"),
    (box(r"-\frac{1}{2}"), r"\frac{-1}{2}", C, "where the sign stands"),
    (box(r"3\frac{1}{2}"), "3.5", C, "a mixed number"),
    (box("3 1/2"), "7/2", C, "a mixed number in a line"),
    (box("31/2"), "7/2", W, "no mixed number"),
    (box("0.333"), r"\frac{1}{3}", W, "rounded too soon"),
    (box("0.333333"), r"\frac{1}{3}", C, "rounded at six places"),
    (box("0.333334"), r"\frac{1}{3}", W, "six places, and the last is wrong"),
    (box("3.14"), r"\pi", W, "pi is no decimal"),
    (box(r"0.\overline{3}"), r"\frac{1}{3}", C, "a repeating decimal"),
    (box(r"50\%"), "50", C, "the question says percent"),
    (box("50 percent"), r"50\%", C, "percent in a word"),
    (box("0.5"), r"50\%", C, "the value of a percentage"),
    (box("0.5%"), "50%", W, "half a percent is no half"),
    (box(r"1.5 \times 10^{3}"), "1500", C, "scientific"),
    (box("1.5e3"), "1500", C, "scientific, as programs write it"),
    (box("1.5e4"), "1500", W, "a wrong exponent"),
    (box("1e-7"), "0.0000002", W, "tiny numbers are told apart"),
    (box("4130_5"), "4130_5", C, "a base"),
    (box("4130_{5}"), "4130_5", C, "a base in braces"),
    (box("4130"), "4130_5", C, "the question names the base"),
    (box("4130_6"), "4130_5", W, "another base"),
    (box("540"), "4130_5", W, "the value, but not in the base asked for"),
    (box("9" * 150), "9" * 150, C, "long numbers are exact"),
    (box("9" * 149 + "8"), "9" * 150, W, "to the last digit"),
    # algebra
    (box(r"2\sqrt{5}"), r"\sqrt{20}", C, "a root simplified"),
    (box(r"\frac{\sqrt{3}}{3}"), r"\frac{1}{\sqrt3}", C, "a root in the denominator"),
    (box(r"3\sqrt{2}"), r"2\sqrt{3}", W, "factors changed places"),
    (box(r"\sqrt{11}+1"), r"-\sqrt{11}-1", W, "the sign of all"),
    (box("r^2+10r+25"), "(r+5)^2", C, "expanded"),
    (box("(r-5)^2"), "(r+5)^2", W, "a sign inside"),
    (box("x(5x+21)"), "5x^2+21x", C, "factored"),
    (box(r"\frac{-1}{x-2}"), r"\frac{1}{2 - x}", C, "the minus moved"),
    (box("5t"), "5", W, "a letter that is no unit"),
    (box("5y"), "5x", W, "another variable"),
    (box("X"), "x", C, "a lone letter in another case"),
    (box(r"12\pi \text{ square inches}"), r"12\pi", C, "a unit after a formula"),
    (box(r"12\pi inches"), r"12\pi", C, "a unit in a plain word after a formula"),
    (box(r"1,250\pi"), r"1250\pi", C, "thousands in a formula"),
    (box("5!"), "120", C, "a factorial"),
    (box("5!"), "5", W, "a factorial is no exclamation"),
    (box(r"\binom{5}{2}"), "10", C, "a binomial coefficient"),
    (box(r"2^{10}"), "1024", C, "a power"),
    (box(r"\log_2 8"), "3", C, "a logarithm"),
    (box("x = 5"), "5", C, "named"),
    (box("5"), "x=5", C, "the reference is named"),
    (box("y=5"), "x=5", W, "named otherwise"),
    (box("y-2x=1"), "y=2x+1", C, "an equation moved about"),
    (box("y=2x-1"), "y=2x+1", W, "another line"),
    # complex numbers
    (box("4i-5"), "-5+4i", C, "the order of terms"),
    (box("-5-4i"), "-5+4i", W, "the conjugate"),
    (box(r"e^{i\pi}"), "-1", C, "i is the imaginary unit"),
    (box("2i"), r"\sqrt{-4}", C, "a root of a negative number"),
    # lists, pairs, intervals, matrices
    (box("15, 14, 6, 4"), "4,6,14,15", C, "a list has no order"),
    (box("4, 6, 14"), "4,6,14,15", W, "one is missing"),
    (box("4, 6, 14, 15, 16"), "4,6,14,15", W, "one too many"),
    (r"\(\boxed{\frac34}\) and \(\boxed{-\frac34}\)", r"\frac{3}{4}, -\frac{3}{4}", C, "two boxes, one answer"),
    (box(r"\pm \frac{3}{4}"), r"\frac{3}{4}, -\frac{3}{4}", C, "plus or minus"),
    (r"\(\boxed{3}\) or \(\boxed{4}\)", "4", W, "a hedge"),
    (r"\boxed{3}. After checking: \boxed{4}", "4", C, "the last box counts"),
    (r"\boxed{4}. After checking: \boxed{3}", "4", W, "and not the one before it"),
    (box(r"3 \text{ or } 4"), "4", W, "a hedge in one box"),
    (box("(5, -6)"), "(5,-6)", C, "a pair"),
    (box("(-6, 5)"), "(5,-6)", W, "a pair has an order"),
    (box("2, 1"), "(1,2)", W, "and keeps it without its brackets"),
    (box("5, -6"), "(5,-6)", C, "brackets left out"),
    (box(r"(-\infty, 0)"), r"(-\infty, 0]", W, "an open end"),
    (box(r"x \le 0"), r"(-\infty, 0]", C, "an interval as inequality"),
    (box("[-10,4)"), "[-10,4]", W, "half open"),
    (box("(-10,4)"), "[-10,4]", W, "open"),
    (box("3<x"), "x>3", C, "read from the right"),
    (box(r"x \geq 3"), "x>3", W, "not strict"),
    (box(r"(2,\infty)\cup(-\infty,1)"), r"(-\infty,1)\cup(2,\infty)", C, "a union has no order"),
    (
        box(r"\begin{pmatrix} \frac15 \\ -\frac35 \end{pmatrix}"),
        r"\begin{pmatrix} 1/5 \\ -3/5 \end{pmatrix}",
        C,
        "a matrix by its entries",
    ),
    (
        box(r"\begin{bmatrix} 1 \\ 2 \end{bmatrix}"),
        r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}",
        C,
        "a matrix in other brackets",
    ),
    (box(r"\begin{pmatrix} 2 \\ 1 \end{pmatrix}"), r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", W, "rows changed places"),
    # words
    (box("Evelyn"), r"\text{Evelyn}", C, "a name"),
    (box(r"\textbf{evelyn}"), r"\text{Evelyn}", C, "a name in bold"),
    (box("Bob"), r"\text{Evelyn}", W, "another name"),
    (box("on"), "no", W, "no is no product of n and o"),
    (box("Yes"), "yes", C, "a capital"),
    (box("C"), r"\text{(C)}", C, "a choice"),
    (box(r"\text{(C) } 24"), r"\text{(C)}", C, "a choice with what it says"),
    (box("D"), r"\text{(C)}", W, "another choice"),
    (box("June 20"), r"\text{June 20}", C, "a date"),
    (box("20"), r"\text{June 20}", W, "half a date"),
    (box(r"\varnothing"), r"\emptyset", C, "two signs of one set"),
    (box("undefined"), r"\text{undefined}", C, "a word of mathematics"),
    # where the answer stands
    ("The answer is 42.", "42", C, "said"),
    ("The answer is 4. No: the answer is 5.", "5", C, "said last"),
    ("**Answer:** 42", "42", C, "said in bold"),
    ("She makes 9 * 2 = $18 a day.\n#### 18", "18", C, "as GSM8K ends"),
    ("The final answer is $\\frac{1}{2}$ because $1/2 = 2/4$.", "0.5", C, "the formula said first"),
    ("The answer is 12 because 3 * 4 makes 12 and not 13.", "12", C, "and not the reason's"),
    ("So 3 + 4 = 7.", "7", C, "after the last equals sign"),
    ("There are 12 eggs, which make 2 boxes of 6 and none is left: 2 boxes", "2", C, "the last number"),
    ("It is seven.", "7", W, "no number is found"),
    # words beside a number
    ("The answer is minus 5.", "-5", C, "a sign in words"),
    ("The answer is minus 5.", "5", W, "and not without it"),
    ("She has negative 5 dollars.", "-5", C, "a sign in another word"),
    ("It is 10 minus 5 apples", "-5", W, "a minus between two numbers is none of the last"),
    ("The answer is 5 and a half.", "5.5", C, "a half in words"),
    ("The answer is 5 and a half.", "5", W, "and not without the half"),
    ("It takes 4 1/2 hours.", "4.5", C, "a mixed number in a sentence"),
    ("It takes 4 1/2 hours.", "1/2", W, "and not its end"),
    ("It takes 4 and 1/2 hours.", "4.5", C, "a mixed number with its word"),
    ("The total is 1.5 million.", "1500000", C, "a number's word in a sentence"),
    ("The total is 1.5 million.", "1.5", W, "and not without it"),
    ("The answer is roughly 5 million people", "5", W, "nor after other words"),
    ("The answer is 5 squared.", "5", W, "a power in words"),
    ("The answer is 5 times 3.", "5", W, "a product in words"),
    ("The answer is 5 over 7.", "5", W, "a fraction in words"),
    ("The answer is 5 times as many.", "5", C, "which is no product"),
    ("The answer is 15 more dollars.", "15", C, "nor a sum"),
    ("The answer is the square root of 5.", "5", W, "a root in words"),
    ("The answer is half of 10.", "10", W, "a half of it"),
    ("The answer is more than 5.", "5", W, "a bound"),
    ("The answer is between 5 and 6.", "5", W, "a span"),
    ("It is between 5 and 6.", "6", W, "and its other end"),
    ("The answer is either 5 or 6.", "5", W, "a hedge in words"),
    ("In total that is 3/4 or 4.", "4", W, "a hedge without any box"),
    ("Thus x = 5 or x = 6.", "6", W, "a hedge of equations"),
    ("Thus x = 5 or x = 6.", "5, 6", C, "which are two solutions"),
    ("Thus x = 5, y = 6.", "6", C, "and not two letters"),
    ("The answer is not 5.", "5", W, "a denial"),
    ("So she has 7 apples, not 8.", "7", C, "what is denied is not the answer"),
    ("So she has 7 apples, not 8.", "8", W, "for sure"),
    ("The area is 12π.", "12", W, "a formula's number without the rest of it"),
    ("The area is 12π.", r"12\pi", C, "the formula"),
    ("So it is √12.", "12", W, "a root's number"),
    ("", "7", W, "nothing was said"),
    (r"\boxed{", "7", W, "a box that never closed"),
    (r"\boxed{}", "7", W, "an empty box"),
    (r"\boxed{\boxed{7}}", "7", C, "a box in a box"),
    (r"\fbox{7}", "7", C, "another kind of box"),
    (r"\\boxed{7}", "7", C, "a backslash too many"),
    (r"\boxed{\left\{1, 2\right\}}", r"\{2, 1\}", C, "braces that are text"),
    # what cannot be known
    (box("7"), "", U, "no reference"),
    (box("7"), r"\frac{", U, "a reference that cannot be read"),
    (box(r"\frac{"), "7", W, "an answer that cannot be read"),
    (box("7"), r"So we get \boxed{7}", C, "a reference that is a worked solution"),
]


TABLE += [(box(answer), reference, outcome, why) for answer, reference, outcome, why in ROWS]


@pytest.fixture(scope="module")
def verdicts():
    """All verdicts, asked for at once."""

    async def grade():
        verifier = MathVerifier(seconds=10)
        try:
            return await asyncio.gather(*(verifier.grade(Question(text, True, ref)) for text, ref, _, _ in TABLE))
        finally:
            await verifier.aclose()

    return asyncio.run(grade())


@pytest.mark.parametrize("row", range(len(TABLE)), ids=[f"{i}: {row[3]}" for i, row in enumerate(TABLE)])
def test_the_table(verdicts, row):
    text, reference, outcome, why = TABLE[row]
    assert verdicts[row].outcome == outcome, (text, reference, why, verdicts[row])


async def test_an_unfinished_answer_is_wrong_before_anything_else():
    verifier = MathVerifier()
    for reference in ("7", ""):
        verdict = await verifier.grade(Question(box("7"), False, reference))
        assert (verdict.outcome, verdict.why, verdict.answer) == (W, "unfinished", "")
    await verifier.aclose()
