"""`compare:`: baselines are further cells of the run, on whatever the cells share."""

from pathlib import Path

import pytest

from relay.errors import UserError
from relay.language.baselines import entries
from relay.language.reading import Reading, read

TEXT = """
relay: 1
let: {n: 1}
models:
  large: {engine: scripted, says: x}
  small: {engine: scripted, says: y}
problems: sums
graph:
  start: derive
  answer: derive
  nodes:
    derive: {write: large, until: [{tokens: "{k}"}, answered]}
    finish: {write: small, until: {sentences: "{n}"}}
    rate: {judge: large, ask: "?", labels: [0, 1]}
  edges: {derive: [{when: answered, to: end}, finish], finish: rate, rate: derive}
sweep: {over: {k: [4, 8]}}
compare: COMPARE
"""


def cells(tmp_path: Path, compare: str, text: str = TEXT, **sets: str) -> Reading:
    path = tmp_path / "s.yaml"
    path.write_text(text.replace("COMPARE", compare))
    return read(str(path), sets)


def told(reading: Reading) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(cell.name, cell.baseline, cell.beside) for cell in reading.cells]


def test_a_solo_is_one_cell_for_all_cells_of_the_sweep(tmp_path: Path) -> None:
    found = cells(tmp_path, "[solo large, solo small]")
    assert told(found) == [
        ("k=4", "", ()), ("k=8", "", ()), ("solo large", "solo large", ("k=4", "k=8")),
        ("solo small", "solo small", ("k=4", "k=8")),
    ]  # fmt: skip
    solo = found.cells[2].scenario.graph
    assert (solo.start, set(solo.nodes), solo.answer) == ("solo", {"solo"}, ("solo",))
    assert list(solo.nodes["solo"].models()) == ["large"]


def test_where_a_sweep_changes_what_a_solo_may_spend_each_value_has_its_own(tmp_path: Path) -> None:
    text = TEXT.replace("compare:", 'budget: {tokens: "{b}"}\ncompare:').replace("k: [4, 8]", "k: [4, 8], b: [50, 60]")
    found = cells(tmp_path, "[solo large]", text)
    assert told(found)[4:] == [
        ("solo large b=50", "solo large", ("k=4 b=50", "k=8 b=50")),
        ("solo large b=60", "solo large", ("k=4 b=60", "k=8 b=60")),
    ]
    assert [cell.scenario.budget.tokens for cell in found.cells[4:]] == [50, 60]


def test_a_vote_and_a_best_of_many_are_branches_of_solos(tmp_path: Path) -> None:
    found = cells(tmp_path, "[self-consistency 5 of small, best of 3 of small]").cells[2:]
    assert [cell.name for cell in found] == ["self-consistency 5 of small", "best of 3 of small"]
    assert [cell.scenario.graph.nodes["fork"].model_dump()["times"] for cell in found] == [5, 3]
    assert [cell.scenario.graph.nodes["choose"].model_dump()["pick"] for cell in found] == ["vote", "verifier"]


def test_an_author_is_left_out_in_a_cell_for_every_cell_that_it_could_matter_to(tmp_path: Path) -> None:
    found = cells(tmp_path, "[without finish]")
    assert told(found)[2:] == [
        ("k=4 without finish", "without finish", ("k=4",)), ("k=8 without finish", "without finish", ("k=8",)),
    ]  # fmt: skip
    assert [cell.without for cell in found.cells[2:]] == [{"finish"}, {"finish"}]


def test_what_is_swept_inside_the_author_alone_needs_one_cell_without_it(tmp_path: Path) -> None:
    text = TEXT.replace('tokens: "{k}"', "tokens: 6").replace('sentences: "{n}"', 'sentences: "{k}"')
    text = text.replace("let: {n: 1}\n", "")
    assert told(cells(tmp_path, "[without finish]", text))[2:] == [("without finish", "without finish", ("k=4", "k=8"))]


def test_a_cell_that_is_there_already_serves_as_the_fellow(tmp_path: Path) -> None:
    text = TEXT.replace("sweep: {over: {k: [4, 8]}}", "sweep: {over: {k: [4]}, also: [{without: finish}]}")
    assert told(cells(tmp_path, "[without finish]", text)) == [
        ("k=4", "", ()), ("k=4 without finish", "", ("k=4",)),
    ]  # fmt: skip


def test_each_author_is_whoever_adds_to_the_thought_and_can_be_spared(tmp_path: Path) -> None:
    found = cells(tmp_path, "[without each author, solo large]")
    assert entries(found.cells[0].scenario) == ["without finish", "solo large"]  # derive answers, rate only judges


def test_a_baseline_may_be_named_in_tests(tmp_path: Path) -> None:
    found = cells(tmp_path, "[solo large]\ntests: {named: [{cell: k=4, against: solo large}]}")
    assert found.cells[0].scenario.tests is not None


@pytest.mark.parametrize(
    ("compare", "mistake"),
    [
        ("[solo lagre]", r"17:11: compare.0: .* not 'solo lagre' \(did you mean 'solo large'\?\)"),
        ("[without finnish]", r"17:11: compare.0: .*did you mean 'without finish'\?"),
        ("[best of 1 of small]", "17:11: compare.0: 1 solos cannot vote"),
        ("[solo large, solo large]", "17:23: compare.1: 'solo large' stands here twice"),
        ("[without derive]", "17:11: compare.0: without 'derive' nobody can answer"),
        ("[self-consistency 4 of small]\nverify: none", "17:11: compare.0: with 'verify: none' no answer is picked"),
        ('["solo {k}"]', "compare.0: should be 'solo' and the name of a model"),
    ],
)
def test_a_baseline_that_cannot_be_is_told_at_its_place(tmp_path: Path, compare: str, mistake: str) -> None:
    with pytest.raises(UserError, match=mistake):
        cells(tmp_path, compare)


WATCHED = TEXT.replace("    rate:", "    guard: {watch: derive, trip: {label: rate, equals: '0'}}\n    rate:").replace(
    "finish: rate, rate: derive", "finish: derive, guard: derive"
)
ALSO = "{over: {k: [4]}, also: [{without: %s}]}"


def test_a_judge_whom_a_watcher_asks_is_left_out_with_it_alone(tmp_path: Path) -> None:
    mistake = "'rate' is asked by 'guard', which watches"
    with pytest.raises(UserError, match=rf"compare\.0: {mistake}.*pass over 'guard'"):
        cells(tmp_path, "[without rate]", WATCHED)
    with pytest.raises(UserError, match=rf"sweep\.also: {mistake}"):
        cells(tmp_path, "[]", WATCHED.replace("{over: {k: [4, 8]}}", ALSO % "rate"))
    found = cells(tmp_path, "[]", WATCHED.replace("{over: {k: [4, 8]}}", ALSO % "[rate, guard]"))
    assert found.cells[1].without == {"rate", "guard"}


def test_a_solo_is_the_same_whatever_the_cells_pass_over(tmp_path: Path) -> None:
    found = cells(tmp_path, "[solo large]", TEXT.replace("{over: {k: [4, 8]}}", ALSO % "finish"))
    assert told(found)[2:] == [("solo large", "solo large", ("k=4", "k=4 without finish"))]


def test_what_a_cell_passes_over_already_counts_for_its_baselines(tmp_path: Path) -> None:
    text = TEXT.replace("answer: derive", "answer: [derive, finish]").replace("{over: {k: [4, 8]}}", ALSO % "derive")
    with pytest.raises(UserError, match=r"compare\.0: without 'derive' and 'finish' nobody can answer"):
        cells(tmp_path, "[without finish]", text)
    found = cells(tmp_path, "[without each author]", text)
    assert [cell.name for cell in found.cells] == ["k=4", "k=4 without derive", "k=4 without finish"]


def test_a_graph_in_use_is_no_author(tmp_path: Path) -> None:
    used = "graphs: {g: {start: w, nodes: {w: {write: small, until: {tokens: 3}}}, edges: {w: end}}}\ngraph:"
    text = TEXT.replace("graph:", used).replace("let: {n: 1}\n", "")
    text = text.replace('finish: {write: small, until: {sentences: "{n}"}}', "finish: {use: g}")
    found = cells(tmp_path, "[without each author]", text)
    assert entries(found.cells[0].scenario) == ["without finish.w"]


def test_a_branch_cannot_be_passed_over() -> None:
    with pytest.raises(UserError, match=r"sweep\.also: 'fork' branches"):
        read("self-consistency", {"sweep": "{over: {n: [1]}, also: [{without: fork}]}", "samples": "{n}"})
    with pytest.raises(UserError, match=r"compare\.0: 'fork' branches"):
        read("self-consistency", {"compare": "[without fork]"})
    with pytest.raises(UserError, match=r"compare\.0: no author can be left out"):
        read("solo", {"compare": "[without each author]"})
