"""Where sentences end: a table, the same in any pieces, and real traces."""

import gzip
import json
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.sentences import Scanner, ends, paragraphs

END = "¦"
CASES = r"""
Plain.¦ Next
Really?¦ Yes
Stop!¦ Now
What?!¦ No
Wait, what.¦	Tab
No white space.Next
It is 3.14 or so.¦ Next
About 3.¦ 14 is near
The file a.txt is here.¦ Next
So x = 5.¦ Then
So x = 5, y = 6.¦ Then
He said "stop."¦ Then
He said “stop.”¦ Then
(It is so.)¦ Then
[See above.]¦ Then
**Done.**¦ Then
**Done**.¦ Then
*So.*¦ Then
The end.”)¦ Then
Use e.g. this one.¦ Next
Use (e.g. this) one.¦ Next
That is, i.e. five.¦ Next
A vs. B.¦ Next
See Fig. 3 there.¦ Next
From Eq. (2) we get it.¦ Next
Dr. Smith and Mr. Jones met.¦ Next
Apples, pears, etc. are fruit.¦ Next
Apples, pears, etc.¦ Then
At 5 p.m. on Monday.¦ Next
At 5 p.m.¦ The train
The U.S. is large.¦ Next
In the U.S.¦ They
It is No. 5 there.¦ Next
The answer is no.¦ Then
Hmm, no.¦ 75 is odd.¦ Next
Is it so?¦ No.¦ 75 is odd.¦ Next
Look, No. 75 is odd.¦ Next
The product u . v is zero.¦ Next
The product (PQ . RS) / 2 is zero.¦ Next
So it is .¦ Next
So it is .¦ A cat
Here "x" is a cross and "." is a dot.¦ Next
The sign (!) is a factorial, "?" is a gap.¦ Next
He asks "why?"¦ Then
So z = ? cm is asked.¦ Next
So z ≡ ? mod 7.¦ Next
Is it so ?¦ Yes
It is 5 ft. long.¦ Next
From A to B.¦ Then
w.r.t. x it is so.¦ Next
Hmm... so it is.¦ Next
Hmm...¦ Let me see
Hmm… so it is.¦ Next
Hmm…¦ Let me see
1, 2, 3, ... 10 are the terms.¦ Next
1, 2, 3, ..., n are the terms.¦ Next
Wait....¦ What
a ∘ b ∘ ... ∘ z is long.¦ Next
The sum 1 + 1/2 + 1/4 + ... ≈ 2.¦ Next
Take (((... (a ∘ b) ∘ ...) ∘ y) ∘ z.¦ Next
[ a + b + ... ] - [ a + c + ... ] = 0.¦ Next
1. First this.¦ Next
10. Tenth this.¦ Next
Text\n¦2. Second this.¦ Next
Text\n¦   3. Third this.¦ Next
- 1. First this.¦ Next
**4. Bold**: this.¦ Next
**Step 1.** Do this.¦ Next
a. First this.¦ Next
(iv). Fourth this.¦ Next
iv. Fourth this.¦ Next
Step 2. Do this.¦ Next
1.1. First this.¦ Next
  2.3.1. Then this.¦ Next
It is 1.1.¦ Then
1) First this.¦ Next
The value of 4! is 24.¦ Next
We get 5!.¦ Next
There are n! ways.¦ Next
Now (n-1)! = 6.¦ Next
It is 5!¦ Great
Great!¦ so it is
First line\n¦Second line\n¦Third
Para one.\n\n¦Para two
Para one.\n\n\n\n¦Para two
Para one.\n \n¦  Para two
Title\n¦\tindented
Trailing.¦  \nNext
Therefore,\nx = 5.¦ Next
It is even.¦ So,\n\nx = 6\n\n¦Next
It follows that,\n¦x = 5.¦ Next
- so,\n¦- and so on.¦ Next
As\n¦\[\na = b,\n\]\nwe have c.¦ Next
As $$a = b,$$\n\nwe have c.¦ Next
As\n¦\[\na = b,\n\]\n¦\[\nc = d\n\]\n¦Next
Windows.\r\n\r\n¦Next
So \(x = 3. y\) holds.¦ Next
So \(x = 3.\)¦ Next
So \(x = 3\).¦ Next
So \(1, 2, ...\) holds.¦ Next
So \(5!\) holds.¦ Next
So $x = 3. y$ holds.¦ Next
So $x=3.$¦ Next
So $a. b$ and $c. d$ hold.¦ Next
It costs $5.¦ Then he pays $6.¦ Next
It costs $5 and $10.¦ Next
It costs $5.50 a piece.¦ Then
It costs $1,000 in all.¦ Next
From $90, a third is gone, so 90 - 30 = 60.¦ Then it costs $1 less, and 60 - 1 = 59.¦ Next
With $30% off, 0.7x = 7.¦ Next
It costs \$5.¦ Then \$6.¦ Next
From $5-$10.¦ Next
It is 5$.¦ Next
Half a formula $x = 3. y\n¦Next one.¦ Then
Half a formula \(x = 3. y\n\n¦Next one.¦ Then
We get \[ x = 3. \]¦ Next
We get\n¦\[\nx = 3\n+ y. z\n\]\n¦Next
We get \[ x = 3. y\n\n¦Next one.¦ Then
We get $$x = 3. y\nz$$ here.¦ Next
\begin{align*} a &= b. c \\\n d &= e \end{align*}\n¦Next
\begin{cases} a. b \\[2pt] c. d \end{cases} it is.¦ Next
A line break \\[2pt] of it.¦ Next
```\na. b\n\nc. d\n```\n¦Next
```python\nx = 1. + 2\nprint(x)\n```\n\n¦Next
Code:\n¦~~~\na. b\n~~~\n¦Next
```one. line```\n¦Next
这是一个句子。¦然后呢？¦好
他说：“好。”¦然后
\n\nLeading.¦ Next
   Leading.¦ Next
...¦ Leading
Nothing here
Unfinished.
Unfinished\n
Unfinished.\n\n
"""  # in the table \n, \r and \t stand for themselves unless another letter or brace follows the backslash word


def written(line: str) -> str:
    """A line of the table as text."""
    return line.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t")


TABLE = [written(line) for line in CASES.strip("\n").split("\n")]


def marked(text: str, at: list[int]) -> str:
    """The text with its ends shown."""
    return END.join(text[a:b] for a, b in pairwise([0, *at, len(text)]))


@pytest.mark.parametrize("case", TABLE, ids=lambda case: ascii(case)[:40])
def test_sentences_end_where_the_table_says(case: str) -> None:
    text = case.replace(END, "")
    assert marked(text, ends(text)) == case


def in_pieces(text: str, sizes: list[int]) -> Scanner:
    scanner = Scanner()
    for size in sizes:
        scanner.feed(text[:size])
        text = text[size:]
    scanner.feed(text)
    return scanner


_PIECES = r"""
.~ |.| |~|a|B|5|...~ |...|…|!~ |?|$|$$|\(|\)|\[|\]|```|`|\|\\|{|}|\begin{a}|\end{a}|e.g.~ |etc.~ |1.~ |。|)|"|*|(|=|,|
~ .~ |~ ?~ |So,|$9, a=~ |no.~ |"."~ |∘|,\]|1.1.~ |Ab
"""
PIECES = st.sampled_from([*_PIECES.replace("\n", "").replace("~", "").split("|"), "\n", "\n\n", "\r\n", "~~~"])
TEXT = st.lists(PIECES, max_size=40).map("".join)


@settings(deadline=None, max_examples=400)
@given(text=TEXT, sizes=st.lists(st.integers(1, 4), max_size=60))
def test_the_ends_do_not_depend_on_the_pieces_that_are_fed(text: str, sizes: list[int]) -> None:
    whole, parts = in_pieces(text, []), in_pieces(text, sizes)
    assert parts.sentences == whole.sentences
    assert parts.paragraphs == whole.paragraphs


@settings(deadline=None, max_examples=300)
@given(text=TEXT)
def test_an_end_is_never_behind_a_space_nor_inside_a_run_of_newlines(text: str) -> None:
    for a, b in pairwise([0, *ends(text)]):
        assert text[a:b].strip()
        assert text[b - 1] not in " \t"
        assert not (text[b - 1] == "\n" and text[b : b + 1] == "\n")


@settings(deadline=None, max_examples=200)
@given(before=TEXT, text=TEXT)
def test_what_stands_before_counts_but_is_not_counted(before: str, text: str) -> None:
    """A scanner that knows what stands before finds no end but those of the whole text."""
    scanner = Scanner(before)
    scanner.feed(text)
    whole = {end - len(before) for end in ends(before + text)}
    assert all(end > 0 for end in scanner.sentences)
    assert set(scanner.sentences) <= whole
    assert all(end <= 0 or not text[:end].strip() or end in scanner.sentences for end in whole)


def test_a_number_behind_a_text_is_no_list_number() -> None:
    """As when one author writes "17 + 25 =" and another " 42. So"."""
    assert ends(" 42. So it is") == []
    scanner = Scanner("First, 17 + 25 =")
    scanner.feed(" 42. So it is")
    assert scanner.sentences == [4]


def test_a_formula_may_have_begun_before() -> None:
    scanner = Scanner("We get \\(x =")
    scanner.feed(" 3. y\\) here. Next")
    assert scanner.sentences == [len(" 3. y\\) here.")]


def test_the_end_of_the_text_counts_when_it_is_final() -> None:
    assert ends("One. Two") == [4]
    assert ends("One. Two", final=True) == [4, 8]
    assert ends("One.", final=True) == [4]
    assert ends("One.\n", final=True) == [5]
    assert ends("", final=True) == []
    assert ends("\n ", final=True) == []


def test_paragraphs_end_behind_blank_lines_outside_of_code() -> None:
    text = "\n\nOne. Two.\nStill one.\n\nTwo. \n\nThree\n```\na\n\nb\n```\n \nFour\n\n"
    assert [text[:end][-6:] for end in paragraphs(text)] == ["one.\n\n", "wo. \n\n"[-6:], "```\n \n"]


FORMULAS = [("\\(", "\\)"), ("\\[", "\\]")]


def thoughts(shared: Path) -> list[str]:
    rows = []
    for file in sorted((shared / "traces").glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            rows += [json.loads(line) for line in lines]
    return [row["reasoning"] or row["response"] for row in rows]


def test_real_thoughts_are_cut_into_sentences_of_a_sane_length(shared: Path) -> None:
    lengths: list[int] = []
    cut_through = 0
    for text in thoughts(shared)[::4]:
        at = ends(text)
        lengths += [b - a for a, b in pairwise([0, *at])]
        assert all(text[end - 1] not in " \t" for end in at)
        cut_through += any(text[:end].count(a) != text[:end].count(b) for a, b in FORMULAS for end in at)
    assert cut_through <= 1  # where the author itself never closed one
    lengths.sort()
    assert 30 <= lengths[len(lengths) // 2] <= 80  # characters
    assert lengths[-len(lengths) // 100] < 300


@pytest.mark.parametrize(
    "sign", ["-", "+", "#", ">", "*", " ", "\t", "- ", "$", "`", "1.", "\\", "(", "a. ", "\\begin{a}"]
)
def test_no_line_takes_long_to_read(sign: str) -> None:
    """A rule of dashes before a sentence hung the run."""
    began = time.perf_counter()
    ends(sign * 4000 + "Total is 5. Then")
    assert time.perf_counter() - began < 0.5
