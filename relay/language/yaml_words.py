"""The words of YAML: what a plain scalar means, how a tree is written down, and PyYAML's errors in plain English."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import yaml

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

P = TypeVar("P")


def scalar(text: str) -> str | int | float | bool | None:
    """What a plain scalar means in YAML 1.2 core. Raises OverflowError when no 64-bit number can hold it."""
    if _INT.fullmatch(text):
        if len(text) > 25:
            raise OverflowError(text)
        number = int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
        if not -(2**63) <= number < 2**63:
            raise OverflowError(text)
        return number
    if _FLOAT.fullmatch(text):
        decimal = float(text)
        if decimal in (float("inf"), float("-inf")):
            raise OverflowError(text)
        return decimal
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    return None if _NULL.fullmatch(text) else text


class _Writer(yaml.SafeDumper):
    """Quotes what YAML 1.2 core would not read as text, and nothing else that can do without."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out."""
        return True


def _text(writer: _Writer, text: str) -> yaml.ScalarNode:
    style = '"' if any(not c.isprintable() for c in text) else None  # one line, with escapes
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _text)
_Writer.yaml_implicit_resolvers = {}
for _tag, _pattern in (("null", _NULL), ("bool", _BOOL), ("int", _INT), ("float", _FLOAT), ("merge", re.compile("<<"))):
    _Writer.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern.pattern})$"), None)


def write(tree: Any) -> str:
    """This plain tree as YAML that reads back as the same tree."""
    return str(yaml.dump(tree, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=10**9))


def flow(value: Any) -> str:
    """A value on one line."""
    text = str(
        yaml.dump([value], Dumper=_Writer, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**9)
    )
    return text.strip()[1:-1]


# What PyYAML says, what relay says, and what to do. {0} is the first group.
_TABS = (
    r"found character '\\t' that cannot start any token",
    "a tab stands where only spaces can",
    "indent with spaces",
)
_SAYINGS: tuple[tuple[str, str, str], ...] = (
    (r"found character '\\t' that", "a tab stands where only spaces can", "indent with spaces"),
    (r"found character (.*) that cannot start any token", "no value can start with {0}", "put the text in quotes"),
    (
        r"mapping values are not allowed here",
        "a ':' stands where no key can",
        "quote the text, or mend the indentation",
    ),
    (r"sequence entries are not allowed here", "a '-' stands where no list item can", "mend the indentation"),
    (r"mapping keys are not allowed here", "a '?' stands where no key can", "put the text in quotes"),
    (r"could not find expected ':'", "a key without ':'", "write 'key: value', with a space after ':'"),
    (r"expected <block end>, but found '-'", "a list item stands where a key belongs", "mend the indentation"),
    (r"expected <block end>", "this does not fit the lines above it", "mend the indentation, or quote the text"),
    (r"expected ',' or '(.)'", "a ',' or '{0}' is missing before this", "{opened}"),
    (r"found unexpected end of stream", "the quotes that open here are never closed", "close them"),
    (r"found unexpected document separator", "the quotes that open here are never closed", "close them"),
    (
        r"found unknown escape character '(.*)'",
        "no escape is written \\{0}",
        "a backslash is written \\\\",
    ),
    (r"expected escape sequence of (\d+)", "this escape needs {0} hexadecimal digits", ""),
    (r"expected '<document start>'", "the document has ended before this", "mend the indentation"),
    (r"expected the node content, but found '(.*)'", "a value is missing before '{0}'", ""),
    (r"found undefined tag handle", "there are no tags here", "put the text in quotes"),
    (r"expected alphabetic or numeric character", "'*' and '&' open an alias and an anchor", "put the text in quotes"),
    (r"block scalar|indentation indicator", "after '|' or '>' stands nothing but '+', '-' or a digit", ""),
    (r"directive|version", "no line may start with '%' here", "put the text in quotes"),
)


def told(error: yaml.MarkedYAMLError, place: Callable[[Any], P]) -> tuple[P, str, str]:
    """Where, what and what instead, for an error of PyYAML's."""
    problem, context = error.problem or "", error.context or ""
    unclosed = "quoted scalar" in context and ("end of stream" in problem or "separator" in problem)
    opening = unclosed or "expected ':'" in problem  # what went wrong began there
    mark = (error.context_mark if opening else None) or error.problem_mark or error.context_mark
    assert mark is not None  # every scanner and parser error has one
    opened = f"it opened at {place(error.context_mark)}" if error.context_mark else ""
    for pattern, what, instead in _SAYINGS:
        if found := re.search(pattern, problem):
            groups = found.groups() or ("",)
            return place(mark), what.format(*groups), instead.format(*groups, opened=opened)
    return place(mark), f"this is not YAML: {problem}", ""
