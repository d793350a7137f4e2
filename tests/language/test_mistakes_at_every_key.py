"""A mistake put at any key and level of the language is told at its own line and column."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.errors import Mistake, UserError
from relay.language.reading import read

HERE = Path(__file__).parent
FILES = ("everything.yaml", "short.yaml")
TEXTS = {name: (HERE / name).read_text() for name in FILES}

# In these maps the keys are the user's own names: a typo there is another name, not a mistake of the key.
SHARES = ("models.known.recovers", "models.known.guided")  # and here shares, of which another one is no mistake
OWN_NAMES = (
    "let", "models", "graph.nodes", "sweep.over", "problems.where", "models.small.says", "graph.nodes.check.labels",
    "graph.nodes.choice.labels",
    "graphs", "graphs.looked.nodes", "graphs.weighed.nodes", "graphs.looked.let", "graph.nodes.look.with", "prices",
)  # fmt: skip
ANY_SCALAR = ("problems.where", "sweep.over", "sweep.also", "sweep.except", "let")
JARGON = re.compile(
    r"pydantic|input|valid|extra|discriminator|union|tuple|dict|None\b|\b(str|int|float|bool|list\[)\b|instance|type=|type_"
)


class Key(NamedTuple):
    file: str
    path: tuple[str | int, ...]
    name: str
    key: yaml.ScalarNode
    value: yaml.Node

    @property
    def dotted(self) -> str:
        return ".".join(map(str, self.path))

    @property
    def parent(self) -> str:
        return ".".join(map(str, self.path[:-1]))


def keys_of(file: str) -> Iterator[Key]:
    def walk(node: yaml.Node, path: tuple[str | int, ...]) -> Iterator[Key]:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                yield Key(file, (*path, key.value), key.value, key, value)
                yield from walk(value, (*path, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for i, item in enumerate(node.value):
                yield from walk(item, (*path, i))

    root = yaml.compose(TEXTS[file], Loader=yaml.BaseLoader)
    assert root is not None
    yield from walk(root, ())


KEYS = [key for file in FILES for key in keys_of(file)]


def named(key: Key) -> str:
    return f"{key.file.removesuffix('.yaml')}:{key.dotted}"


def place(node: yaml.Node) -> str:
    return f"{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def swapped(text: str, node: yaml.Node, new: str) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    tail = text[start:end]
    return text[:start] + new + tail[len(tail.rstrip()) :] + text[end:]


def mistakes(text: str, folder: Path) -> list[tuple[str, str]]:
    """The mistakes of this text, as (line:col, words)."""
    path = folder / "x.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read(str(path))
    told = [(m.where.removeprefix(f"{path}:"), f"{m.what} ({m.instead})") for m in caught.value.mistakes]
    for _, words in told:
        assert not JARGON.search(re.sub(r"'[^']*'", "", words.split(": ", 1)[-1])), words
    return told


@pytest.mark.parametrize("file", FILES)
def test_the_scenarios_under_test_have_no_mistake(file: str) -> None:
    assert read(str(HERE / file)).cells


def test_every_key_of_the_language_is_tried() -> None:
    """A new field must be added to everything.yaml."""
    from relay.language.composing import language

    tried = {key.name for key in KEYS} | {"without", "except", "also", "over", "sweep"}
    known: set[str] = set()
    seen: set[int] = set()

    def collect(schema: Any) -> None:
        if isinstance(schema, dict):
            if id(schema) in seen:
                return
            seen.add(id(schema))
            if schema.get("type") == "model-fields":
                known.update(f.get("validation_alias", name) for name, f in schema["fields"].items())
            for value in schema.values():
                collect(value)
        elif isinstance(schema, list | tuple):
            for item in schema:
                collect(item)

    collect(language().root)
    engines_own = {"revision", "dtype", "device", "gguf_file", "batch", "model", "weights", "template",
        "tensor_parallel", "gpu_memory", "lora", "placement", "args", "run", "speed"}  # fmt: skip
    assert known - tried - engines_own == set()


@pytest.mark.parametrize("key", [key for key in KEYS if key.parent not in (*OWN_NAMES, *SHARES)], ids=named)
def test_a_typo_in_a_key_is_told_at_the_key(key: Key, tmp_path: Path) -> None:
    typo = key.name + key.name[-1]
    told = mistakes(swapped(TEXTS[key.file], key.key, typo), tmp_path)
    assert {where for where, _ in told} == {place(key.key)}
    assert len(told) == 1
    assert repr(typo) in told[0][1]
    assert f"did you mean {key.name!r}?" in told[0][1]


@pytest.mark.parametrize("key", KEYS, ids=named)
def test_a_value_of_a_wrong_type_is_told_at_the_value(key: Key, tmp_path: Path) -> None:
    any_scalar = key.dotted.startswith(tuple(f"{each}." for each in ANY_SCALAR)) and key.name != "without"
    first = key.value.value[0] if isinstance(key.value, yaml.SequenceNode) else key.value  # one may stand for a list
    is_number = isinstance(first, yaml.ScalarNode) and re.fullmatch(r"[0-9.]+|true", first.value)
    wrong = "{}" if any_scalar or is_number else "17.5"
    told = mistakes(swapped(TEXTS[key.file], key.value, wrong), tmp_path)
    assert {where for where, _ in told if "nothing uses" not in _} == {place(key.value)}, told
    assert any(
        "not 17.5" in words or "not an empty map" in words or "none of its keys" in words for _, words in told
    ), told


ODD = ("null", "[[]]", "{a: {b: c}}", "-1", "''", "'{q}'", "true", "{}", "9e9", "main", "[main, 3]", "<write>", "")


@settings(max_examples=100, deadline=None)
@given(key=st.sampled_from(KEYS), wrong=st.sampled_from(ODD))
def test_no_value_at_any_key_gives_a_traceback(key: Key, wrong: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "odd.yaml"
    path.write_text(swapped(TEXTS[key.file], key.value, wrong))
    told: tuple[Mistake, ...] = ()
    try:
        read(str(path))
    except UserError as error:
        told = error.mistakes
    assert all(str(mistake).startswith(str(path)) for mistake in told)


LONG = [k for k in KEYS if k.parent not in (*OWN_NAMES, *SHARES) and len(k.name) > 3 and k.name[1] != k.name[2]]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_all_of_several_mistakes_are_told_in_the_order_of_their_places(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = data.draw(st.sampled_from(FILES))
    keys = st.sampled_from([k for k in LONG if k.file == file])
    chosen = data.draw(st.lists(keys, min_size=2, max_size=5, unique_by=named))  # also inside each other
    text = TEXTS[file]
    for key in chosen:  # two letters change places: the text keeps its length
        text = swapped(text, key.key, key.name[0] + key.name[2] + key.name[1] + key.name[3:])
    told = [where for where, _ in mistakes(text, tmp_path_factory.getbasetemp())]
    assert {place(key.key) for key in chosen} == set(told)
    order = [tuple(map(int, where.split(":"))) for where in told]
    assert order == sorted(order)


@pytest.mark.parametrize(("outer", "inner"), [
    ("models.known.speed", "models.known.speed.decode"),  # 'seped' is nearer to 'seed', which stands there
    ("tests", "tests.named"),  # difflib finds 'tsets' unlike 'tests'
])  # fmt: skip
def test_a_mistake_inside_a_misspelt_key_is_told_too(outer: str, inner: str, tmp_path: Path) -> None:
    text = TEXTS["everything.yaml"]
    keys = [key for key in KEYS if key.file == "everything.yaml" and key.dotted in {outer, inner}]
    for key in keys:
        text = swapped(text, key.key, key.name[0] + key.name[2] + key.name[1] + key.name[3:])
    assert [where for where, _ in mistakes(text, tmp_path)] == [place(key.key) for key in keys]
