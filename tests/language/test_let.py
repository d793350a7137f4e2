"""`let:`: values by name, and what is wrong with them at the place of each."""

from pathlib import Path

import pytest

from relay.errors import UserError
from relay.language.expanding import expanded
from relay.language.reading import Reading, parse_sets, read

BASE = """\
relay: 1
let: {place: nearest, k: {tokens: 9}, more: true}
models: {m: {engine: scripted, says: [a, b]}}
problems: {from: sums, limit: 5}
pool: {samples: 8}
graph:
  start: main
  answer: main
  nodes:
    main: {write: m, opens_with: {pool: m, take: "{k}", cut: "{place}"}, until: ["{k}"]}
    steer: {insert: {pool: m, of: this problem}, cut: "{place}"}
  edges: {main: [{when: {visits: main, equals: 1}, to: steer}, end], steer: main}
sweep: {over: {n: [1, 2]}, also: [{without: steer, when: "{more}"}]}
samples: 1
budget: {tokens: 100}
"""
USED = BASE.replace('cut: "{place}"}\n  edges', 'cut: "{place}", stitch: "{n}"}\n  edges').replace("[1, 2]", "[a, b]")


def written(folder: Path, text: str, name: str = "x.yaml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def told(path: Path, *sets: str) -> list[str]:
    with pytest.raises(UserError) as caught:
        read(str(path), parse_sets(list(sets)))
    return [str(m).replace(f"{path.parent}/", "") for m in caught.value.mistakes]


def test_a_name_stands_for_its_value_wherever_it_is_used(tmp_path: Path) -> None:
    scenario = read(str(written(tmp_path, USED))).cells[0].scenario
    main = scenario.graph.nodes["main"].model_dump()
    assert (main["opens_with"]["take"], main["until"], main["opens_with"]["cut"]) == (
        {"tokens": 9},
        ({"tokens": 9},),
        "nearest",
    )
    assert scenario.graph.nodes["steer"].model_dump()["cut"] == "nearest"


def test_a_switch_takes_a_cell_away(tmp_path: Path) -> None:
    path = written(tmp_path, USED)
    assert [cell.name for cell in read(str(path)).cells] == ["n=a", "n=b", "n=a without steer"]
    assert [cell.name for cell in read(str(path), {"let.more": "false"}).cells] == ["n=a", "n=b"]


def test_a_sweep_over_a_name_takes_the_place_of_its_value(tmp_path: Path) -> None:
    cells = read(str(written(tmp_path, USED)), {"sweep.over": "{n: [a], place: [before, after]}"}).cells
    assert [cell.name for cell in cells][:2] == ["n=a place=before", "n=a place=after"]
    assert [cell.scenario.graph.nodes["steer"].model_dump()["cut"] for cell in cells][:2] == ["before", "after"]


def test_values_merge_by_name_and_each_replaces_the_other_whole(tmp_path: Path) -> None:
    written(tmp_path, USED, "base.yaml")
    tree = read(str(written(tmp_path, "extends: base.yaml\nlet: {k: {sentences: 2}, place: after}\n"))).tree
    assert tree["let"] == {"place": "after", "k": {"sentences": 2}, "more": True}


def test_it_is_expanded_as_it_was_written_without_what_nobody_uses(tmp_path: Path) -> None:
    tree = expanded(read(str(written(tmp_path, USED))))
    assert tree["let"] == {"place": "nearest", "k": {"tokens": 9}, "more": True}
    assert tree["graph"]["nodes"]["main"]["opens_with"]["cut"] == "{place}"
    assert tree["sweep"]["also"][0]["when"] == "{more}"
    assert "let" in expanded(read("recoverability"))
    assert "seldom" not in expanded(read("recoverability"))["let"]
    assert expanded(read("solo"))["let"] == {}


@pytest.mark.parametrize(
    ("before", "after", "mistakes"),
    [
        (
            "let: {place: nearest", "let: {plaec: nearest",
            [
                "x.yaml:2:7: let.plaec: nothing uses \"{plaec}\" (did you mean 'place'?)",
                "x.yaml:10:62: graph.nodes.main.opens_with.cut: no variable 'place' (did you mean 'plaec'?)",
                "x.yaml:11:55: graph.nodes.steer.cut: no variable 'place' (did you mean 'plaec'?)",
            ],
        ),
        (
            "let: {place: nearest", "let: {place: nearst",
            [
                "x.yaml:2:14: let.place: should be 'nearest', 'before' or 'after', not 'nearst'"
                " (did you mean 'nearest'?)"
            ],
        ),
        (
            "k: {tokens: 9}", "k: {tokns: 9}",
            ["x.yaml:2:27: let.k.tokns: unknown key 'tokns' (did you mean 'tokens'?)"],
        ),
        (
            "k: {tokens: 9}", "k: {tokens: 0}",
            ["x.yaml:2:35: let.k.tokens: should be a whole number of at least 1, not 0"],
        ),
        ("more: true", "more: 3", ["x.yaml:2:45: let.more: should be true or false, not 3"]),
        ("more: true", "more: true, 2x: 1", None),
        ("let: {", "let: {other: 1, ", ["x.yaml:2:7: let.other: nothing uses \"{other}\" (leave it out)"]),
        (
            "samples: 1", 'samples: "{place}"',
            [
                "x.yaml:2:14: let.place: should be a whole number of at least 1 or a map with the key 'adaptive',"
                " not 'nearest'"
            ],
        ),
        (
            'when: "{more}"', 'when: "{moer}"',
            [
                "x.yaml:2:39: let.more: nothing uses \"{more}\" (did you mean 'moer'?)",
                "x.yaml:13:58: sweep.also.0.when: no variable 'moer' (did you mean 'more'?)",
            ],
        ),
        (
            '[a, b]}, also', '[a, "{n}"]}, also',
            ["x.yaml:13:23: sweep.over.n.1: no variable 'n' (for the text itself write \"{{n}}\")"],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_where_it_stands(
    tmp_path: Path, before: str, after: str, mistakes: list[str] | None
) -> None:
    assert before in USED
    found = told(written(tmp_path, USED.replace(before, after)))
    if mistakes is None:
        assert any("let.2x" in each and "a variable's name" in each for each in found)
    else:
        assert found == mistakes


def test_a_name_that_only_a_preset_gives_may_stand_nowhere_and_no_other(tmp_path: Path) -> None:
    path = written(tmp_path, f"extends: relay/strict\n{USED}")
    assert read(str(path)).cells
    assert told(path, "let.cut=before") == ['--set let.cut: nothing uses "{cut}" (leave it out)']
    own = written(tmp_path, f"extends: own.yaml\n{USED}")
    written(tmp_path, "extends: relay/strict\nlet: {cut: after}\n", "own.yaml")
    assert read(str(own)).cells
    written(tmp_path, "extends: relay/strict\nlet: {ctu: after}\n", "own.yaml")
    assert told(own) == ['own.yaml:2:7: let.ctu: nothing uses "{ctu}" (leave it out)']


def test_a_sweep_may_not_turn_what_cells_share_by_a_name_either() -> None:
    with pytest.raises(UserError, match="a sweep may not change 'select'"):
        read("guidability", {"sweep.over.seldom": "[0/8, 1/8]"})
    assert isinstance(read("guidability", {"let.seldom": "0/8"}), Reading)
