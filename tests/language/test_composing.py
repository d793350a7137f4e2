"""`extends:` and `--set`: what merges, what replaces, what is removed, and whose place a key keeps."""

from pathlib import Path
from typing import Any

import pytest

from relay.errors import UserError
from relay.language.reading import Reading, parse_sets, read

BASE = """\
relay: 1
models:
  main: {engine: scripted, says: [a, b], context: 100}
problems: {from: sums, limit: 5}
graph:
  start: main
  answer: main
  nodes:
    main: {write: main, until: [{sentences: 1}, {tokens: 9}]}
    steer: {insert: {text: hm}, take: {share: 0.5}, stitch: x}
  edges:
    main: [{when: {visits: main, equals: 1}, to: steer}, end]
    steer: main
budget: {tokens: 100, hops: 5}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def extended(folder: Path, text: str) -> Reading:
    (folder / "x.yaml").write_text(f"extends: base.yaml\n{text}")
    return read(str(folder / "x.yaml"))


def told(folder: Path, text: str, sets: list[str] | None = None) -> list[str]:
    (folder / "x.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        read(str(folder / "x.yaml"), parse_sets(sets or []))
    return [str(m).replace(f"{folder}/", "") for m in caught.value.mistakes]


def test_maps_merge_and_lists_replace(folder: Path) -> None:
    tree = extended(folder, "budget: {hops: 7}\ngraph: {nodes: {main: {until: [{tokens: 3}]}}}").tree
    assert tree["budget"] == {"tokens": 100, "hops": 7}
    assert tree["graph"]["nodes"]["main"] == {"write": "main", "until": [{"tokens": 3}]}


def test_a_node_with_another_verb_replaces_the_whole_entry(folder: Path) -> None:
    tree = extended(folder, "graph: {nodes: {steer: {write: main}}}").tree
    assert tree["graph"]["nodes"]["steer"] == {"write": "main"}


def test_a_model_with_another_engine_replaces_the_whole_entry(folder: Path) -> None:
    with pytest.raises(UserError):  # nothing of `says` is left, and no engine has this name
        extended(folder, "models: {main: {engine: scripted2}}")
    tree = extended(folder, "models: {main: {engine: scripted, says: c}}").tree
    assert tree["models"]["main"] == {"engine": "scripted", "says": "c", "context": 100}


def test_an_amount_of_another_unit_replaces_the_whole_entry(folder: Path) -> None:
    tree = extended(folder, "graph: {nodes: {steer: {take: {tokens: 3}}}}").tree
    assert tree["graph"]["nodes"]["steer"] == {"insert": {"text": "hm"}, "take": {"tokens": 3}, "stitch": "x"}


def test_null_removes_a_key_and_only_one_that_is_there(folder: Path) -> None:
    tree = extended(folder, "budget: null\nsamples: 3\npool: null").tree
    assert "budget" not in tree
    assert tree["pool"] is None


def test_a_short_form_replaces_a_long_one(folder: Path) -> None:
    assert extended(folder, "problems: sums").tree["problems"] == "sums"


def test_each_key_keeps_the_file_it_came_from(folder: Path) -> None:
    places = extended(folder, "budget: {hops: 7}").places
    assert str(places["budget", "tokens"].value).endswith("base.yaml:14:18")
    assert str(places["budget", "hops"].value).endswith("x.yaml:2:16")
    base = BASE.replace("hops: 5", "hosp: 5").replace("stitch: x", "stitch: 3")
    (folder / "base.yaml").write_text(base)
    assert told(folder, "extends: base.yaml\nseed: x\n") == [
        "x.yaml:2:7: seed: should be a whole number of at least 0, not 'x'",
        "base.yaml:10:61: graph.nodes.steer.stitch: should be text, not 3",
        "base.yaml:14:23: budget.hosp: unknown key 'hosp' (did you mean 'hops'?)",
    ]


def test_a_file_can_extend_a_file_that_extends_a_preset(folder: Path) -> None:
    (folder / "base.yaml").write_text(f"extends: relay/strict\n{BASE}")
    tree = extended(folder, "title: mine").tree
    assert tree["sampling"] == {"temperature": 0.6, "top_p": 0.95}
    assert tree["budget"] == {"tokens": 100, "hops": 5, "seconds": 600}


def test_paths_are_relative_to_the_file_that_says_them(folder: Path) -> None:
    (folder / "below").mkdir()
    (folder / "below" / "x.yaml").write_text("extends: ../base.yaml\n")
    assert read(str(folder / "below" / "x.yaml")).folder.resolve() == folder.resolve()  # of `problems:`


def test_a_circle_of_extends_is_a_mistake(folder: Path) -> None:
    (folder / "y.yaml").write_text("extends: x.yaml\n")
    assert told(folder, "extends: y.yaml\n") == ["y.yaml:1:10: extends: goes in a circle: x.yaml -> y.yaml -> x.yaml"]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            "extends: bsae.yaml\n",
            "{there} 'bsae.yaml' (did you mean 'base.yaml'?)",
        ),
        (
            "extends: relay/strct\n",
            "{there} 'relay/strct' (did you mean 'strict'?)",
        ),
        ("extends: [a]\n", "x.yaml:1:10: extends: should be the name of one scenario, not a list"),
        ("", "x.yaml:1:1: the file is empty (a scenario starts with 'relay: 1')"),
        ("# nothing\n", "x.yaml:1:1: the file is empty (a scenario starts with 'relay: 1')"),
        ("- a\n", "x.yaml:1:1: should be a map, not a list (a scenario starts with 'relay: 1')"),
        ("relay", "x.yaml:1:1: should be a map, not 'relay' (a scenario starts with 'relay: 1')"),
    ],
)
def test_what_cannot_be_extended_is_told(folder: Path, text: str, mistake: str) -> None:
    there = "x.yaml:1:10: extends: there is no scenario file"
    assert told(folder, text) == [mistake.replace("{there}", there)]


def test_a_file_that_is_not_there_or_no_text_is_told(folder: Path) -> None:
    for name, what in (
        ("nowhere.yaml", "there is no scenario file"),
        ("recoverabilty", "did you mean 'recoverability'?"),
    ):
        with pytest.raises(UserError, match=what):
            read(name)
    with pytest.raises(UserError, match="is a folder"):
        read(str(folder))
    (folder / "x.yaml").write_bytes(b"relay: 1\ntitle: \xff\n")
    with pytest.raises(UserError, match=r"x\.yaml:2:8: this is not UTF-8 text \(save it as UTF-8\)"):
        read(str(folder / "x.yaml"))


def set_(folder: Path, *options: str) -> dict[str, Any]:
    return read(str(folder / "base.yaml"), parse_sets(list(options))).tree


def test_set_replaces_just_that_value(folder: Path) -> None:
    tree = set_(folder, "models.main.context=7", "graph.nodes.steer.take=0.25", "title='a: b'")
    assert tree["models"]["main"] == {"engine": "scripted", "says": ["a", "b"], "context": 7}
    assert tree["graph"]["nodes"]["steer"]["take"] == 0.25


def test_set_reads_its_value_as_yaml(folder: Path) -> None:
    tree = set_(folder, "graph.nodes.main.until=[{tokens: 3}, answered]", "pool.samples=4", "budget=null")
    assert tree["graph"]["nodes"]["main"]["until"] == [{"tokens": 3}, "answered"]
    assert tree["pool"] == {"samples": 4}
    assert "budget" not in tree


def test_set_reaches_into_lists(folder: Path) -> None:
    assert set_(folder, "graph.nodes.main.until.0.sentences=4")["graph"]["nodes"]["main"]["until"][0] == {
        "sentences": 4
    }


@pytest.mark.parametrize(
    ("option", "mistake"),
    [
        (
            "modles.main.context=3",
            "--set modles.main.context: modles: unknown key 'modles' (did you mean 'models', which stands here too?)",
        ),
        (
            "models.main.contxt=3",
            "--set models.main.contxt: unknown key 'contxt' (did you mean 'context', which stands here too?)",
        ),
        (
            "samples=x",
            "--set samples: should be a whole number of at least 1 or a map with the key 'adaptive', not 'x'",
        ),
        ("budget={tokens: [}", "--set budget: a value is missing before '}'"),
        ("seed.x=1", "--set seed.x: seed: should be a whole number of at least 0, not a map"),
        (
            "problems.from.x=1",
            "--set problems.from.x: problems.from is 'sums', which has no key 'x' (set problems.from as a whole)",
        ),
        (
            "graph.edges.main.7=end",
            "--set graph.edges.main.7: there is no item '7' (the list at graph.edges.main has the items 0 to 1)",
        ),
        (
            "graph.edges.main.x=end",
            "--set graph.edges.main.x: there is no item 'x' (the list at graph.edges.main has the items 0 to 1)",
        ),
        (
            "graph.nodes.steer.take={m}",
            "--set graph.nodes.steer.take: no variable 'm' (for the text itself write \"{{m}}\")",
        ),
    ],
)
def test_a_mistake_in_an_option_is_told_at_the_option(folder: Path, option: str, mistake: str) -> None:
    assert mistake in told(folder, BASE, [option])


@pytest.mark.parametrize("option", ["samples", "=3", " = 3", ".=3"])
def test_an_option_without_a_path_or_a_value_is_told(option: str) -> None:
    with pytest.raises(UserError, match=r"should be --set a\.b\.c=VALUE"):
        parse_sets([option])


def test_mistakes_of_files_come_before_those_of_options(folder: Path) -> None:
    assert [line.split(": ")[0] for line in told(folder, BASE + "sede: 1\n", ["samples=x"])] == [
        "x.yaml:15:1",
        "--set samples",
    ]
