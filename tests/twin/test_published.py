"""The paper's figures: each average computed anew, each count possible, each exception explained."""

import json
import re
from pathlib import Path

import pytest

from relay.twin.published import (
    TRIALS,
    average,
    column,
    oddities,
    possible,
    published,
    ranks,
    shifts,
    tier,
)

ROOT = Path(__file__).parents[2]


def test_what_does_not_add_up_is_what_the_page_explains() -> None:
    page = (ROOT / "docs" / "published.md").read_text()
    rows = re.findall(r"^\| (\w+) \| ([\w.-]+) \| ([\w.]+) \| ([\d.]+) \| ([\d.]+) \| \S", page, flags=re.MULTILINE)
    found = [(o.table, o.model, o.column, o.printed, o.computed) for o in oddities()]
    assert len(rows) == len(found) == 13
    told = {(table, model, col): (float(printed), float(computed)) for table, model, col, printed, computed in rows}
    for table, model, col, printed, computed in found:
        said = told[table, model, col]
        assert said[0] == printed
        assert abs(said[1] - computed) <= 0.05 + 1e-9


def test_the_data_are_the_paper_s(shared: Path) -> None:
    assert published() == json.loads((shared / "paper" / "tables.json").read_text())


def test_an_exchanged_pair_of_digits_explains_the_worst_of_them() -> None:
    row = dict(published()["recover_individual_by_m"]["R1-Llama-8B"])
    assert possible(70.8, 250) == pytest.approx(70.8)
    assert average({**row, "0.8": 70.8}) == pytest.approx(row["avg"], abs=0.05)


def test_a_wrong_figure_anywhere_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every figure of a table with an average or a number of trials, moved by one digit, shows as an oddity."""
    tables, before, unseen = published(), oddities(), []
    for name in (*TRIALS, "math_benchmarks", "guide_individual_by_n", "guide_individual_spoiler_rate_by_n"):
        for model, row in tables[name].items():
            for col, figure in row.items():
                changed = {**tables, name: {**tables[name], model: {**row, col: round(figure + 0.9, 1)}}}
                monkeypatch.setattr("relay.twin.published.published", lambda now=changed: now)
                if oddities() == before:
                    unseen.append((name, model, col))
    assert unseen == []


def test_tiers_are_as_printed() -> None:
    benchmark = column("math", "benchmark_avg")
    assert {m: tier(b) for m, b in benchmark.items() if b is not None} == {
        m: facts["tier"] for m, facts in published()["models"].items()
    }


def test_ranks_and_shifts_by_hand() -> None:
    """R1-Qwen-32B and AM-Thinking-32B share a code benchmark of 89.7; the best of all recovers worst but one."""
    code = ranks(column("code", "benchmark_avg"))
    assert (code["QwQ-32B"], code["R1-Qwen-32B"], code["AM-Thinking-32B"], code["Qwen3-30B-A3B"]) == (1, 2, 2, 4)
    moved = shifts(column("math", "benchmark_avg"), column("math", "recover_shared"))
    assert moved["AM-Thinking-32B"] == 1 - 14
    assert moved["Qwen3-1.7B"] == 10 - 1
    assert sum(moved.values()) == 0
    guided = shifts(column("math", "benchmark_avg"), column("math", "guide_shared"))
    assert len(guided) == 10, "five models have no guidability"
    assert guided["R1-Qwen-32B"] == 0


def test_code_recoverability_averages_what_the_protocol_s_facts_say() -> None:
    figures = [f for f in column("code", "recover_shared").values() if f is not None]
    assert sum(figures) / len(figures) == pytest.approx(47.4, abs=0.05)
