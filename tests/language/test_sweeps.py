"""Sweeps: which cells there are, what a variable stands for, and what is told when one is wrong."""

import time
from pathlib import Path
from typing import Any

import pytest

from relay.errors import UserError
from relay.language.expanding import expanded
from relay.language.reading import Reading, from_tree, read
from relay.language.yaml_words import write

SCENARIO = """\
relay: 1
models: {main: {engine: scripted, says: a}}
problems: {from: sums, limit: 5}
pool: {samples: 8}
graph:
  start: main
  answer: main
  nodes:
    main: {write: main, opens_with: {pool: main, take: "{m}"}}
    steer: {insert: {text: "{word}"}}
  edges:
    main: [{when: {visits: main, equals: 1}, to: steer}, end]
    steer: main
"""


def swept(folder: Path, sweep: str, scenario: str = SCENARIO) -> Reading:
    (folder / "x.yaml").write_text(f"{scenario}sweep: {sweep}\n")
    return read(str(folder / "x.yaml"))


def told(folder: Path, sweep: str, scenario: str = SCENARIO) -> list[str]:
    with pytest.raises(UserError) as caught:
        swept(folder, sweep, scenario)
    return [str(m).removeprefix(f"{folder}/x.yaml:") for m in caught.value.mistakes]


def test_a_scenario_without_a_sweep_has_one_cell(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(SCENARIO.replace('"{m}"', "0.5").replace('"{word}"', "hm"))
    (cell,) = read(str(tmp_path / "x.yaml")).cells
    assert (cell.name, cell.values, cell.without) == ("all", {}, frozenset())


def test_cells_are_all_combinations_then_also_without_except(tmp_path: Path) -> None:
    sweep = "{over: {m: [0, 0.4], word: [a, b]}, also: [{without: steer}, {m: 1, word: b}], except: [{m: 0, word: b}]}"
    cells = swept(tmp_path, sweep).cells
    assert [cell.name for cell in cells] == [
        "m=0 word=a", "m=0.4 word=a", "m=0.4 word=b", "m=0 word=a without steer", "m=1 word=b",
    ]  # fmt: skip
    assert cells[3].without == {"steer"}
    assert cells[4].values == {"m": 1, "word": "b"}


def test_true_is_not_one(tmp_path: Path) -> None:
    cells = swept(tmp_path, "{over: {m: [0, 1], word: a}, except: [{m: true}]}").cells
    assert [cell.name for cell in cells] == ["m=0 word=a", "m=1 word=a"]


def test_a_variable_stands_for_a_whole_value_of_any_type(tmp_path: Path) -> None:
    scenario = SCENARIO.replace("pool: {samples: 8}", 'pool: {samples: 8}\nbudget: {hops: "{hops}"}')
    scenario = scenario.replace("main: {engine", "other: {engine", 1)
    scenario = scenario.replace("write: main", 'write: "{who}"').replace("pool: main", "pool: other")
    cells = swept(tmp_path, "{over: {m: .5, word: x, hops: [20, 30], who: other}}", scenario).cells
    for cell, hops in zip(cells, (20, 30), strict=True):
        assert cell.scenario.budget.hops == hops
        assert cell.scenario.graph.nodes["main"].write == "other"  # type: ignore[attr-defined]


def test_doubled_braces_are_the_text_itself_and_braces_within_a_text_stay(tmp_path: Path) -> None:
    scenario = SCENARIO.replace('"{word}"', '"{{m}}"').replace("says: a", 'says: "{m} and {n}"')
    scenario_of = swept(tmp_path, "{over: {m: .5}}", scenario).cells[0].scenario
    assert scenario_of.graph.nodes["steer"].insert.text == "{m}"  # type: ignore[attr-defined]
    assert scenario_of.models["main"].says == ("{m} and {n}",)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("sweep", "mistakes"),
    [
        ("{over: {m: [.5], wrd: [a]}}", [
            "10:28: graph.nodes.steer.insert.text: no variable 'word' (did you mean 'wrd'?)",
            "14:25: sweep.over.wrd: nothing uses \"{wrd}\" (did you mean 'word'?)",
        ]),
        ("{over: {m: [.5], word: a}, also: [{n: 1}]}", [
            "14:43: sweep.also.0.n: no sweep variable 'n' (known: m, word, without, when)",
        ]),
        ("{over: {m: [.5], word: a}, also: [{word: a}]}", [
            "14:42: sweep.also.0: the cell 'm=0.5 word=a' is there already (leave it out)",
        ]),
        ("{over: {m: [.5, .5], word: a}}", ["14:9: sweep.over: makes the cell 'm=0.5 word=a' twice"]),
        ("{over: {m: [.5], word: a}, except: [{m: .5}]}", ["14:35: sweep.except: leaves no cell (loosen it)"]),
        ("{over: {m: [.5], word: a}, also: [{without: [steer, maim]}]}", [
            "14:35: sweep.also: passes over every node that may answer, in the cell 'm=0.5 word=a without main, steer'"
            " (leave another one in)",
            "14:60: sweep.also.0.without.1: there is no node 'maim' (did you mean 'main'?)",
        ]),
        ("{over: {m: [.5], word: a}, also: [{without: main}]}", [
            "14:35: sweep.also: passes over every node that may answer, in the cell 'm=0.5 word=a without main'"
            " (leave another one in)",
        ]),
        ("{over: {m: {m}, word: a}}", ['14:19: a map with a key and no value (did you forget the quotes: "{m}"?)']),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_sweep_is_told(tmp_path: Path, sweep: str, mistakes: list[str]) -> None:
    assert told(tmp_path, sweep) == mistakes


def test_a_mistake_that_all_cells_share_is_told_once(tmp_path: Path) -> None:
    scenario = SCENARIO.replace("limit: 5", "limit: 0")
    assert told(tmp_path, "{over: {m: [0, .1, .2, .3], word: [a, b]}}", scenario) == [
        "3:31: problems.limit: should be a whole number of at least 1, not 0"
    ]


def test_a_mistake_of_some_cells_says_which(tmp_path: Path) -> None:
    wanted = "should be a number from 0 to 1 or a map with one of the keys 'share', 'tokens', 'sentences', 'paragraphs'"
    assert told(tmp_path, "{over: {m: [0, 1.5, x], word: [a, b]}}") == [
        f"9:56: graph.nodes.main.opens_with.take: {wanted}, not 1.5, in the cells with m=1.5",
        f"9:56: graph.nodes.main.opens_with.take: {wanted}, not 'x', in the cells with m=x",
    ]
    assert told(tmp_path, "{over: {m: [0, 1.5], word: a}}") == [
        f"9:56: graph.nodes.main.opens_with.take: {wanted}, not 1.5, in the cell 'm=1.5 word=a'"
    ]


def test_a_sweep_that_explodes_is_told_and_not_tried(tmp_path: Path) -> None:
    values = list(range(20))
    over = "{" + ", ".join(f"v{i}: {values}" for i in range(8)) + ", m: 0, word: a}"
    lines = told(tmp_path, f"{{over: {over}}}")
    assert "14:9: sweep.over: makes 25,600,000,000 cells; 10,000 are allowed" in lines


def test_a_sweep_of_a_hundred_cells_reads_in_well_under_a_second(tmp_path: Path) -> None:
    shares = [i / 50 for i in range(50)]
    swept(tmp_path, "{over: {m: 0, word: a}}")  # builds the types
    began = time.process_time()
    assert len(swept(tmp_path, f"{{over: {{m: {shares}, word: [a, b]}}}}").cells) == 100
    assert time.process_time() - began < 0.7


def test_a_tree_that_was_kept_reads_as_the_same_cells(tmp_path: Path) -> None:
    reading = swept(tmp_path, "{over: {m: [0, .4], word: a}, also: [{without: steer}]}")
    again = from_tree(reading.tree, reading.source)
    assert again.cells == reading.cells
    assert again.source == reading.source


@pytest.mark.parametrize("name", ["everything.yaml", "short.yaml"])
def test_an_expanded_scenario_reads_as_the_same_cells_and_expands_no_further(name: str, tmp_path: Path) -> None:
    reading = read(str(Path(__file__).parent / name))
    (tmp_path / "x.yaml").write_text(write(expanded(reading)))
    again = read(str(tmp_path / "x.yaml"))
    assert again.cells == reading.cells
    assert expanded(again) == expanded(reading)


def test_expanding_says_every_default_and_keeps_the_variables(tmp_path: Path) -> None:
    tree: Any = expanded(swept(tmp_path, "{over: {m: [0, .4], word: '{{x}}'}}"))
    main = tree["graph"]["nodes"]["main"]
    assert main["opens_with"] == {
        "pool": "main", "where": "any", "as_long_as": {"share": 0}, "take": "{m}", "unit": "tokens", "cut": "nearest",
        "keep_paragraphs": 0,
    }  # fmt: skip
    assert main["until"] is None
    assert tree["budget"] == {"tokens": 16384, "hops": 2000, "seconds": 600.0}
    assert tree["graph"]["edges"]["steer"] == [{"when": None, "to": "main", "drop": None}]
