"""Finding the program, or the value, in what a model wrote."""

import time

import pytest

from relay.verifiers.programs import head_of, program_of
from relay.verifiers.stated import first_value, value_of, values_in

F = "def f(x):\n    return x\n"
PROMPT = 'import math\n\n\ndef helper(x):\n    return x\n\n\ndef f(x):\n    """Give x."""\n'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"```python\n{F}```", F),
        (f"Sure!\n\n```python\n{F}```\n\nThis is linear.", F),
        (f"```\n{F}```", F),
        (f"~~~py\n{F}~~~", F),
        (f"````python\n{F}````", F),
        ("1. So:\n   ```python\n   def f(x):\n       return x\n   ```\n", F),
        (f"```python\ndef f(x):\n    return 0\n```\nNo, better:\n```python\n{F}```", F),  # the last word
        (f"```python\n{F}```\nUse it:\n```python\nprint(f(3))\n```", F),  # the last that defines it
        (f"```bash\npip install x\n```\n```python\n{F}```", F),
        (f"```cpp\nint f(int x) {{}}\n```\n```python\n{F}```", F),
        (f"```python\n{F}", F),  # cut short
        (F, F),
        (f"Here is the function:\n\n{F}\nIt gives x back.\n", F),
        (f"I use math.\nimport math\n\n{F}", f"import math\n\n{F}"),
        ("```python\nf = lambda x: x\n```", "f = lambda x: x\n"),
        ("```python\nf: object = lambda x: x\n```", "f: object = lambda x: x\n"),
        ("```python\nasync def f(x): return x\n```", "async def f(x): return x\n"),
        ("```python\nclass f:\n    pass\n```", "class f:\n    pass\n"),
        ("```python\ndef g(x): return x\n```", ""),
        ("```python\nclass S:\n    def f(self, x): return x\n```", ""),  # not at its outermost level
        ("```python\nf == 3\n```", ""),
        ("It is easy.", ""),
        ("", ""),
        ("```python\n```", ""),
    ],
)  # fmt: skip
def test_the_program_is_the_last_one_that_defines_the_function(text: str, found: str) -> None:
    assert program_of(text, "f") == found


@pytest.mark.parametrize(
    "body",
    [
        "    return x\n",
        "\n    return x\n",
        "```python\n    return x\n```",
        "```python\nreturn x\n```",  # without its indent
        "Here is the body:\n    return x\n\nIt gives x back.",
    ],
)
def test_a_body_alone_continues_the_prompt(body: str) -> None:
    names: dict[str, object] = {}
    exec(program_of(body, "f", PROMPT), names)
    assert names["f"](3) == 3  # type: ignore[operator]


def test_words_alone_are_no_body() -> None:
    assert program_of("I would return x.", "f", PROMPT) == ""


def test_the_head_is_what_stands_before_the_function() -> None:
    assert head_of(PROMPT, "f") == "import math\n\n\ndef helper(x):\n    return x\n\n\n"
    assert head_of("Write a function that doubles.", "f") == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, 2]", "[1, 2]"),
        ("The answer is `[1, 2]`.", "[1, 2]"),
        ("The answer is [1, 2].", "[1, 2]"),
        ("So f gives this.\n\n**Answer:** `'a'`", "'a'"),
        ("[ANSWER]f(1) == 2[/ANSWER]", "2"),
        ("[ANSWER]\n'x'\n[/ANSWER]", "'x'"),
        ("```python\n[1]\n```\nThat is it.", "[1]"),
        ("\\boxed{[1, 2]}", "[1, 2]"),
        ("First `x`, then\nOutput: 'ab'", "'ab'"),
        ("It is 1.5.", "It is 1.5"),
        ("...", "..."),
        ("", ""),
    ],
)
def test_the_value_is_what_the_answer_states(text: str, value: str) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, 2]. So", "[1, 2]"),
        ("(1, [2, 'a)']) and", "(1, [2, 'a)'])"),
        ("'it is' or", "'it is'"),
        ("f(1, b=[2]) == 3", "f(1, b=[2])"),
        ("12.", "12"),
        ("-1.5, then", "-1.5"),
        ("True here", "True"),
        ("[1, 2", ""),
        ("words", ""),
    ],
)
def test_a_value_ends_where_its_brackets_do(text: str, value: str) -> None:
    assert first_value(text) == value


def test_the_values_that_a_thought_states() -> None:
    thought = "First x = [1, 2]. Then `'ab'` is added, so it returns ['ab', 1]. The length is 3\nf(2, 3)"
    assert values_in(thought) == ["'ab'", "[1, 2]", "['ab', 1]", "3", "f(2, 3)"]


@pytest.mark.parametrize(
    "text",
    [
        "```python\n" * 20_000,
        "~~~\n```\n" * 20_000,
        "`" * 200_000,
        "[ANSWER]" * 25_000,
        "def f(x):\n" * 20_000,
        " " * 200_000 + "def f(x): return x",
        "return x\n" * 25_000,
        "\\boxed{" * 25_000,
        "returns " * 25_000,
        "f(" * 100_000,
        "for in " * 30_000 + "\ndef f(x):\n    return x",
        "def f(x):\n    return x\nif " + ":" * 190_000,
        "a, " * 60_000,
        "1" + " " * 199_000,
        "*" * 200_000,
        "```python\ndef g(x): return f(x)\n```\n" * 5000,
    ],
    ids=[
        "fences",
        "two fences",
        "backquotes",
        "tags",
        "definitions",
        "blanks",
        "returns",
        "boxes",
        "says",
        "calls",
        "loops",
        "colons",
        "names",
        "a value and blanks",
        "stars",
        "helpers",
    ],
)
def test_it_takes_time_linear_in_the_text(text: str) -> None:
    """A call on all of it beside one on a tenth: ten times as long, give or take, and not a hundred."""

    def seconds(what: str) -> float:
        started = time.process_time()
        for _ in range(3):
            program_of(what, "f", PROMPT)
            value_of(what)
            value_of(what, asks="input")
            values_in(what)
        return time.process_time() - started

    assert seconds(text) < 40 * seconds(text[: len(text) // 10]) + 0.2
