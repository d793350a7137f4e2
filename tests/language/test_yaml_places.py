"""YAML 1.2 core with places: what is text and what is not, and what is refused where."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.errors import UserError
from relay.language.yaml_places import MOST_LEVELS, MOST_VALUES, parse, places, plain
from relay.language.yaml_words import flow, write


def read(text: str) -> object:
    return plain(parse(text, "f"))


def refused(text: str) -> list[str]:
    with pytest.raises(UserError) as caught:
        parse(text, "f")
    return [str(mistake) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"), ("yes", "yes"), ("NO", "NO"), ("1_000", "1_000"), ("12:30:45", "12:30:45"), (".inf", ".inf"),
        (".nan", ".nan"), ("2001-01-01", "2001-01-01"), ("0b1", "0b1"), ("4/8", "4/8"), ("1e5", 1e5), ("true", True),
        ("False", False), ("null", None), ("~", None), ("", None), ("017", 17), ("0o17", 15), ("0x1F", 31), ("-3", -3),
        (".5", 0.5), ("1.", 1.0), ("'1'", "1"), ('"true"', "true"), ("|\n  1", "1"),
    ],
)  # fmt: skip
def test_only_true_false_null_integers_and_decimals_are_not_text(text: str, value: object) -> None:
    found = read(f"key: {text}")
    assert found == {"key": value}
    assert isinstance(found, dict)
    assert type(found["key"]) is type(value)


def test_keys_are_always_text() -> None:
    assert read("on: 1\n1: 2\ntrue: 3\nnull: 4\n1.5: 5") == {"on": 1, "1": 2, "true": 3, "null": 4, "1.5": 5}


def test_every_key_and_value_has_its_place() -> None:
    found = places(parse("a:\n  - 1\n  - {b: x}\nc: &d\n  e: 2\nf: *d\n", "f"))
    told = {path: (str(spot.key), str(spot.value)) for path, spot in found.items()}
    assert told["a",] == ("f:1:1", "f:2:3")
    assert told["a", 0] == ("None", "f:2:5")
    assert told["a", 1, "b"] == ("f:3:6", "f:3:9")
    assert told["f",] == ("f:6:1", "f:4:4")  # what an alias stands for was written elsewhere
    assert told["f", "e"] == ("f:5:3", "f:5:6")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: 2\na: 3", "f:3:1: the key 'a' stands here twice (first at f:1:1)"),
        ("\ta: 1", "f:1:1: a tab stands where only spaces can (indent with spaces)"),
        ("a:\n\tb: 1", "f:2:1: a tab stands where only spaces can (indent with spaces)"),
        ("a: !!str 1", "f:1:4: there are no tags here: !!str (leave it out)"),
        ("a: !x 1", "f:1:4: there are no tags here: !x (leave it out)"),
        ("<<: {a: 1}", "f:1:1: there are no merge keys here (use 'extends:' or write the keys out)"),
        ("<write>: 1", "f:1:1: a key cannot look like '<write>'"),
        ('"a\\nb": 1', "f:1:1: a key cannot hold control characters: 'a\\nb'"),
        ("? [a]\n: 1", "f:1:3: a key must be text, not a map or a list"),
        ("a: &x b\n*x : 1", "f:2:1: a key must be text, not an alias"),
        ("a: *x", "f:1:4: the alias *x stands for nothing (an anchor &x must come before it)"),
        ("a: &x [*x]", "f:1:8: the alias *x stands inside what it stands for"),
        ("a: {m}", 'f:1:4: a map with a key and no value (did you forget the quotes: "{m}"?)'),
        ("a: [1, {m}]", 'f:1:8: a map with a key and no value (did you forget the quotes: "{m}"?)'),
        ("a: 1\n---\nb: 1", "f:2:1: a second document starts here (a file holds one)"),
        ("a: 99999999999999999999", "f:1:4: the number 99999999999999999999... is too large"),
        ("a: 1e999", "f:1:4: the number 1e999... is too large"),
        ("a: \x07", "f:1:4: the character '\\x07' cannot stand in YAML"),
        ('a: "\\ud800"', "f:1:4: half a character (a lone surrogate) cannot be written"),
        ('a: "\\UFFFFFFFF"', "f:1:7: no character has this number"),
        ("a: 'x\nb: 1", "f:1:4: the quotes that open here are never closed (close them)"),
        ("a: [1, 2\nb: 3", "f:2:2: a ',' or ']' is missing before this (it opened at f:1:4)"),
        ("a: {b: 1]", "f:1:9: a ',' or '}' is missing before this (it opened at f:1:4)"),
        ("a: b: c", "f:1:5: a ':' stands where no key can (quote the text, or mend the indentation)"),
        ("a:\n  - 1\n b: 2", "f:3:2: this does not fit the lines above it (mend the indentation, or quote the text)"),
        ("a: 1\n- b", "f:2:1: a list item stands where a key belongs (mend the indentation)"),
        ("a: 1\nb\nc: 1", "f:2:1: a key without ':' (write 'key: value', with a space after ':')"),
        ("a: @x", "f:1:4: no value can start with '@' (put the text in quotes)"),
        ('a: "\\q"', "f:1:6: no escape is written \\q (a backslash is written \\\\)"),
        ('a: "\\xZZ"', "f:1:7: this escape needs 2 hexadecimal digits"),
        ("a: ]", "f:1:4: a value is missing before ']'"),
        ("a: |x\n  b", "f:1:5: after '|' or '>' stands nothing but '+', '-' or a digit"),
        ("%YAML 3.0\n---\na: 1", "f:1:1: no line may start with '%' here (put the text in quotes)"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(text: str, told: str) -> None:
    assert refused(text) == [told]


def test_several_mistakes_are_told_at_once() -> None:
    assert len(refused("a: 1\na: {m}\nb: !x 1\nc: *d")) == 4


def test_a_billion_laughs_are_one_mistake_at_once() -> None:
    names = "abcdefghij"
    lines = [f"a: &a [{', '.join(['ha'] * 10)}]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]" for old, new in pairwise(names)]
    told = f"f:4:4: more than {MOST_VALUES:,} values, counted with what the aliases stand for"
    assert refused("\n".join(lines)) == [told]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "- " * 10_000 + "a"])
def test_deep_nesting_is_a_mistake_and_no_crash(text: str) -> None:
    assert [told.split(": ", 1)[1] for told in refused(text)] == [f"nested more than {MOST_LEVELS} levels deep"]


def test_aliases_cannot_hide_deep_nesting() -> None:
    deep = ["x0: &x0 [1]", *(f"x{i}: &x{i} [[[[*x{i - 1}]]]]" for i in range(1, 40))]
    assert any(f"more than {MOST_LEVELS} levels" in told for told in refused("\n".join(deep)))


TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(["on", "1e5", "0x1", "~", "<<", "{m}", "- a", "a: b", "# x", "\t"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.from_regex(r"[a-z0-9:#{}*&!% '\"-]{1,8}", fullmatch=True), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_what_is_written_reads_back_as_the_same_tree(tree: object) -> None:
    wrapped = {"tree": tree}
    again = read(write(wrapped))
    assert json.dumps(again) == json.dumps(wrapped)


def test_a_text_of_several_lines_is_written_on_one() -> None:
    assert flow({"a": "\nb", "c": [1, "2"]}) == "{a: \"\\nb\", c: [1, '2']}"


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab:,-[]{}#&*!|>'\"%@`\\ \n\t?~.0x1\x00\ud800\u2028é"), max_size=40))
def test_no_text_gives_a_traceback(text: str) -> None:
    try:
        plain(parse(text, "f"))
    except UserError as error:
        told = error.mistakes
    else:
        told = ()
    assert all(mistake.where.startswith("f:") for mistake in told)
