"""How large each set is, counted on stand-in files; one that is not as large as the table says is told."""

from pathlib import Path

import pytest

from relay.problems import Problem
from relay.registry import PROBLEMS, load
from relay.sets import table
from relay.sets.hub import Found, HubSet, JoinedSet
from tests.sets.conftest import CODE, MATH, put, rows

OTHERS = {"gsm8k": 1319, "cruxeval-input": 800, "gpqa": 448, "gpqa-diamond": 198}
COUNTS = {**MATH, **CODE, **OTHERS}


def folder(path: Path, counts: dict[str, int]) -> Path:
    for name, count in counts.items():
        put(path / f"{name}.jsonl", rows(name, count))
    return path


def ids(found: Found) -> list[str]:
    return [problem.id for _, problem in found.problems]


def test_the_paper_s_mathematics_is_1507_problems(tmp_path: Path) -> None:
    found = table.paper_math.found(folder(tmp_path, MATH))
    assert 30 + 30 + 500 + 272 + 675 == 1507 == len(found.problems) == len(set(ids(found)))
    assert found.notes == ()
    assert {problem.kind for _, problem in found.problems} == {"math"}


def test_the_paper_s_code_is_1762_questions(tmp_path: Path) -> None:
    """2,006 rows, of which HumanEval+ asks 164 again and MBPP+ 80."""
    found = table.paper_code.found(folder(tmp_path, CODE))
    assert sum(CODE.values()) == 2006
    assert 800 + 164 + 500 + (378 - 80) == 1762 == len(found.problems) == len(set(ids(found)))
    assert found.notes == ()
    sets = [problem.extra["set"] for _, problem in found.problems]
    assert {name: sets.count(name) for name in CODE} == {**CODE, "humaneval+": 0, "mbpp+": 298}


@pytest.mark.parametrize(("joined", "counts"), [(table.paper_math, MATH), (table.paper_code, CODE)])
def test_every_part_that_is_short_is_told_and_the_whole_too(
    joined: JoinedSet, counts: dict[str, int], tmp_path: Path
) -> None:
    notes = joined.found(folder(tmp_path, {name: count - 1 for name, count in counts.items()})).notes
    assert notes[:-1] == tuple(f"{p.name}: {counts[p.name] - 1} problems, not {counts[p.name]}" for p in joined.parts)
    assert notes[-1].startswith(f"{joined.name}: 1,")
    assert notes[-1].endswith(f" problems, not {joined.count:,}")


def test_the_table_has_the_sets_and_counts_that_were_asked_for() -> None:
    sets = {each.name: each for each in vars(table).values() if isinstance(each, HubSet)}
    assert {name: each.count for name, each in sets.items()} == COUNTS
    for name, each in sets.items():
        assert load(PROBLEMS, name) is each
    assert [part.name for part in table.paper_math.parts] == list(MATH)
    assert [part.name for part in table.paper_code.parts] == list(CODE)


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_a_set_of_another_size_is_told_and_read(name: str, tmp_path: Path) -> None:
    path = put(tmp_path / "some.jsonl", rows(name, 3))
    each: HubSet = load(PROBLEMS, name)
    found = each.found(path)
    assert found.notes == (f"{name}: 3 problems, not {COUNTS[name]:,}",)
    problems = [problem for _, problem in found.problems]
    assert len({problem.hash for problem in problems}) == len({problem.id for problem in problems}) == 3
    assert {problem.kind for problem in problems} == {each.kind}
    assert [place for place, _ in found.problems] == [f"{path} row {n}" for n in (1, 2, 3)]


def test_what_is_missing_of_a_joined_set_is_told_at_once(tmp_path: Path) -> None:
    from relay.errors import UserError

    with pytest.raises(UserError) as told:
        table.paper_math.found(folder(tmp_path, {"aime24": 1, "minerva": 1}))
    assert [str(m) for m in told.value.mistakes] == [
        f"problems.path: '{tmp_path}' holds no {name!r}, a part of 'paper/math' "
        f"(put there a folder {name!r}, or a file)"
        for name in ("aime25", "math500", "olympiadbench")
    ]


def test_the_tests_of_a_program_are_part_of_what_it_is() -> None:
    """Else a sample that HumanEval's tests passed would count as right for HumanEval+."""
    plain = Problem("a", "q", "r", "code", {"tests": "assert f(1)"})
    assert plain.hash != plain._replace(extra={"tests": "assert f(2)"}).hash
    assert plain._replace(kind="math").hash == Problem("b", "q", "r", "math").hash
