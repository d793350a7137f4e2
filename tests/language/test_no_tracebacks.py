"""Whatever a file or a kept tree holds, reading it ends in cells or in the user's mistakes."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.errors import UserError
from relay.language.reading import from_tree, read
from relay.language.yaml_places import parse, plain

HERE = Path(__file__).parent
TEXTS = [(HERE / name).read_text() for name in ("everything.yaml", "short.yaml")]
PIECES = st.sampled_from(
    [
        "",
        " ",
        "\n",
        "\t",
        ":",
        "- ",
        "{",
        "}",
        "[",
        "]",
        '"',
        "'",
        "{m}",
        "null",
        "&a ",
        "*a",
        "? ",
        "|",
        "#",
        "!x ",
        "é",
        "9",
    ]
)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_file_with_random_damage(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    text = data.draw(st.sampled_from(TEXTS))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(PIECES) + text[at + data.draw(st.integers(0, 6)) :]
    path = tmp_path_factory.getbasetemp() / "damaged.yaml"
    path.write_text(text)
    _never_more_than_mistakes(lambda: read(str(path)), str(path))


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 9)
    | st.floats(-1, 2)
    | st.sampled_from(["", "main", "{m}", "end", "sums"])
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_tree_with_a_branch_of_another_kind(data: st.DataObject) -> None:
    tree: Any = plain(parse(data.draw(st.sampled_from(TEXTS)), "f"))
    here = tree
    while True:  # walk to a random place
        key = data.draw(st.sampled_from(list(here) if isinstance(here, dict) else range(len(here))))
        if not here[key] or not isinstance(here[key], dict | list) or data.draw(st.integers(0, 3)) == 0:
            break
        here = here[key]
    names = st.sampled_from(["write", "to", "m", "engine", "share", "when", "x"])
    here[key] = data.draw(
        st.recursive(LEAVES, lambda t: st.lists(t, max_size=3) | st.dictionaries(names, t, max_size=3))
    )
    _never_more_than_mistakes(lambda: from_tree(tree), "")


def _never_more_than_mistakes(reading: Any, start: str) -> None:
    told: tuple[Any, ...] = ()
    try:
        reading()
    except UserError as error:
        told = error.mistakes
    assert all(str(mistake).startswith(start) and "\n" not in str(mistake) for mistake in told)
