"""Presets: what each makes of the twin tests, in what they differ, and `--preset`, which takes one for another."""

from pathlib import Path
from typing import Any

import pytest

from relay.cli.check import check
from relay.errors import UserError
from relay.language.composing import knobs as names_of_knobs
from relay.language.composing import presets
from relay.language.reading import Reading, read
from relay.twin.knobs import WORDS, knobs

GOLDEN = Path(__file__).with_name("presets")
TESTS = ("recoverability", "guidability")
PRESETS = ("strict", "paper", "perturb-r")

# The table of docs/twin.md: for each knob what strict, paper and perturb-r say; and where the knob is.
TABLE: dict[str, tuple[Any, Any, Any]] = {
    "let.unit": ("tokens", "tokens", "chunks"),
    "let.cut": ("before", "nearest", "before"),
    "let.stitch": ("\nWait. Let me think\n", "\nWait. Let me think\n", "\nLet me think.\n"),
    "let.shortest": (0, 0, {"tokens": 4096}),
    "let.distractor": ("another problem", "any other problem", "any other problem"),
    "let.distractor_length": (0, 0, 0.8),
    "let.seldom": ("1/8", "1/8", "0/8"),
    "let.baseline": (True, False, False),
    "sampling.top_p": (0.95, 0.95, 1.0),
    "unfinished": ("wrong", "graded", "graded"),
}
COMMON = {"budget.tokens": (16384, 32768, 32768)}  # the paper's common settings, beside the table


def at(tree: Any, path: str) -> Any:
    for key in path.split("."):
        tree = tree[key]
    return tree


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("test", TESTS)
def test_a_twin_test_under_a_preset_is_this(test: str, preset: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a change is meant: `relay check TEST --preset PRESET --expand` writes the file anew."""
    check(test, preset=preset, expand=True)
    assert capsys.readouterr().out == (GOLDEN / f"{test}-{preset}.yaml").read_text()


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("test", TESTS)
def test_what_is_expanded_is_the_same_scenario(test: str, preset: str) -> None:
    again = read(str(GOLDEN / f"{test}-{preset}.yaml"))
    assert [cell.scenario.model_copy(update={"let": {}}) for cell in again.cells] == [
        cell.scenario.model_copy(update={"let": {}}) for cell in read(test, preset=preset).cells
    ]


def test_the_presets_are_the_table_and_nothing_besides() -> None:
    assert set(presets()) == set(PRESETS)
    for i, preset in enumerate(PRESETS):
        assert {path: at(presets()[preset], path) for path in TABLE} == {p: row[i] for p, row in TABLE.items()}
    for i, one in enumerate(PRESETS):
        for k, other in enumerate(PRESETS):
            wanted = {path for path, row in {**TABLE, **COMMON}.items() if row[i] != row[k]}
            everywhere = {"graph": {name: f"{{{name}}}" for name in names_of_knobs()}}  # a test that uses them all
            turned = knobs({**presets()[one], **everywhere}, {**presets()[other], **everywhere})
            assert {knob.path for knob in turned} == wanted


def test_every_knob_has_words_and_some_test_uses_it() -> None:
    assert {*TABLE, *COMMON} <= set(WORDS)
    trees = [read(test).tree for test in TESTS]
    for name in names_of_knobs():
        assert any(f"{{{name}}}" in str(tree) for tree in trees), name


@pytest.mark.parametrize(
    ("test", "preset", "turned"),
    [
        ("recoverability", "paper", {"let.cut", "let.distractor", "let.baseline", "unfinished"}),
        ("recoverability", "perturb-r", {*TABLE} - {"let.cut", "let.seldom"}),
        ("guidability", "paper", {"let.cut", "let.baseline", "unfinished"}),
        ("guidability", "perturb-r", {"let.unit", "let.seldom", "let.baseline", "sampling.top_p", "unfinished"}),
        ("plumbing", "paper", {"let.cut", "unfinished"}),
    ],
)
def test_a_test_is_turned_by_the_knobs_that_it_has(test: str, preset: str, turned: set[str]) -> None:
    assert {knob.path for knob in knobs(read(test).tree, read(test, preset=preset).tree)} == turned


def test_each_knob_reaches_where_it_works() -> None:
    scenario = read("recoverability", preset="perturb-r").cells[0].scenario
    main, steer = (scenario.graph.nodes[name].model_dump() for name in ("main", "steer"))
    assert (main["opens_with"]["unit"], main["opens_with"]["cut"]) == ("chunks", "before")
    assert main["opens_with"]["as_long_as"] == {"tokens": 4096}
    assert (steer["unit"], steer["cut"], steer["stitch"]) == ("chunks", "before", "\nLet me think.\n")
    assert (steer["insert"]["of"], steer["insert"]["as_long_as"]) == ("any other problem", {"share": 0.8})
    assert scenario.select is not None
    assert scenario.select.problems[0].tokens == 4096
    assert (scenario.sampling.top_p, scenario.unfinished) == (1.0, "graded")
    assert not any(cell.without for cell in read("recoverability", preset="paper").cells)
    guided = read("guidability", preset="perturb-r").cells[0].scenario.select
    assert guided is not None
    assert guided.problems[0].most == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.yaml").write_text("extends: relay/paper\nlet: {cut: after}\n")
    (tmp_path / "mine.yaml").write_text("extends: relay/recoverability\nlet: {unit: chunks}\n")
    (tmp_path / "whole.yaml").write_text(
        "relay: 1\nmodels: {m: {engine: scripted, says: x}}\nproblems: sums\n"
        "graph: {start: n, answer: n, nodes: {n: {write: m}}, edges: {n: end}}\n"
    )
    return tmp_path


def cut(reading: Reading) -> Any:
    return reading.cells[0].scenario.graph.nodes["steer"].model_dump()["cut"]


def test_a_preset_of_your_own_extends_one_of_relay_s(folder: Path) -> None:
    assert cut(read("recoverability", preset=str(folder / "own.yaml"))) == "after"


def test_what_a_scenario_says_itself_stays_under_another_preset(folder: Path) -> None:
    reading = read(str(folder / "mine.yaml"), preset="relay/paper")
    assert cut(reading) == "nearest"
    assert reading.tree["let"]["unit"] == "chunks"


def test_an_option_has_the_last_word() -> None:
    assert cut(read("recoverability", {"let.cut": "after"}, "paper")) == "after"
    swept = read("recoverability", {"sweep.over.cut": "[before, after]"}, "paper")
    assert {cut(Reading({}, (cell,), {}, "")) for cell in swept.cells} == {"before", "after"}


@pytest.mark.parametrize(
    ("scenario", "preset", "mistake"),
    [
        ("recoverability", "papr", "--preset papr: there is no preset 'papr' (did you mean 'paper'?)"),
        (
            "recoverability", "nothing-like-it",
            "--preset nothing-like-it: there is no preset 'nothing-like-it' "
            "(relay's own: paper, perturb-r, strict; or a file)",
        ),
        (
            "recoverability", "solo",
            "--preset solo: is a whole scenario: it has a graph of its own (relay's presets: paper, perturb-r, strict)",
        ),
        (
            "whole.yaml", "paper",
            "--preset relay/paper: whole.yaml extends none of relay's presets, which this could replace "
            "(write 'extends: relay/paper' in it)",
        ),
    ],
)  # fmt: skip
def test_a_preset_that_cannot_be_taken_is_told(
    scenario: str, preset: str, mistake: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(UserError) as caught:
        read(scenario, preset=preset)
    assert list(map(str, caught.value.mistakes)) == [mistake]
