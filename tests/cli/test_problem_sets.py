"""What a user sees of problem sets by name: the list, the first problems, a run on them, and wrong choices."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import SCENARIO, Relay, Said
from tests.cli.test_missing_parts import HIDES

GSM8K = [{"question": f"{n} + 1?", "answer": f"Add.\n#### {n + 1}", "level": n % 2} for n in range(6)]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `datasets` keeps of a file lies with the test, in programs too."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))


def scenario(folder: Path, problems: str) -> None:
    (folder / "s.yaml").write_text(SCENARIO.replace("{from: sums, limit: 4}", problems))


@pytest.fixture
def rows(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in GSM8K))
    return path


def meta(path: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(path)) as db:
        return {key: json.loads(value) for key, value in db.execute("SELECT key, value FROM meta")}


def test_a_named_set_runs_from_a_file_and_its_count_is_told(relay: Relay, folder: Path, rows: Path) -> None:
    scenario(folder, "{from: gsm8k, path: rows.jsonl}")
    note = "gsm8k: 6 problems, not 1,319"
    assert f"note      {note}" in relay("check", "s.yaml").out
    assert json.loads(relay("check", "s.yaml", "--json").out)["notes"] == [note]
    said = relay("run", "s.yaml", "-o", "x.relay")
    assert said.code == 0, said.err
    assert note in said.err
    assert note in relay("report", "x.relay").out
    kept = meta(folder / "x.relay")
    assert kept["notes"] == [note]
    facts = kept["problem_set"]
    assert (facts["from"], facts["path"], facts["problems"], facts["count"]) == ("gsm8k", "rows.jsonl", 6, 1319)
    assert facts["licence"] == "MIT"
    with closing(sqlite3.connect(folder / "x.relay")) as db:
        hashes = [row[0] for row in db.execute("SELECT hash FROM problem")]
    assert len(set(hashes)) == 6
    assert all(len(each) == len(kept["problem_set"]["hash"]) == 16 for each in hashes)


@pytest.mark.parametrize("more", ["limit: 3", "where: {level: 1}"])
def test_who_takes_a_part_is_not_told_that_the_whole_is_short(
    more: str, relay: Relay, folder: Path, rows: Path
) -> None:
    scenario(folder, f"{{from: gsm8k, path: rows.jsonl, {more}}}")
    plan = json.loads(relay("check", "s.yaml", "--json").out)
    assert (plan["problems"], plan["notes"]) == (3, [])


@pytest.mark.parametrize(
    ("kind", "verify", "note"),
    [
        ("choice", "math", "3 problems are of kind choice, which 'math' is not made for; `verify: choice` is"),
        ("text", "number", "3 problems are of kind text, which 'number within 0' is not made for; `verify: text` is"),
        ("choice", "choice", ""),
        ("code", "text", ""),
        ("algebra", "math", ""),
        ("code", "{first: math, then: {judge: a}}", ""),
    ],
)
def test_problems_that_the_verifier_is_not_made_for_are_noted(
    kind: str, verify: str, note: str, relay: Relay, folder: Path
) -> None:
    (folder / "p.jsonl").write_text(f'{{"question": "?", "answer": "B", "kind": "{kind}"}}\n' * 3)
    scenario(folder, "p.jsonl")
    said = relay("check", "s.yaml", "--json", "--set", f"verify={verify}")
    assert json.loads(said.out)["notes"] == ([note] if note else [])


def test_the_hash_of_the_set_is_that_of_the_whole_and_changes_with_any_of_it(
    relay: Relay, folder: Path, rows: Path
) -> None:
    def hash_of(name: str, problems: str) -> str:
        scenario(folder, problems)
        assert relay("run", "s.yaml", "-o", name).code == 0
        return str(meta(folder / name)["problem_set"]["hash"])

    whole = hash_of("a.relay", "{from: gsm8k, path: rows.jsonl}")
    assert hash_of("b.relay", "{from: gsm8k, path: rows.jsonl, limit: 2, shuffle: true}") == whole
    rows.write_text(rows.read_text().replace('"level": 1', '"level": 3'))
    assert hash_of("c.relay", "{from: gsm8k, path: rows.jsonl}") != whole
    assert hash_of("d.relay", "rows.jsonl") != whole


def test_a_parquet_file_is_read_with_fields_and_where(relay: Relay, folder: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    given = [{"ask": f"{n}?", "gold": n, "level": n % 2, "steps": [n]} for n in range(5)]
    parquet.write_table(pa.Table.from_pylist(given), folder / "p.parquet")
    scenario(folder, "{from: p.parquet, fields: {question: ask, answer: gold}, where: {level: 1}}")
    assert json.loads(relay("check", "s.yaml", "--json").out)["problems"] == 2
    scenario(folder, "p.parquet")
    line = "has no question: no column 'question' or 'problem' or 'prompt'; it has 'ask', 'gold', 'level', 'steps'"
    said = relay("check", "s.yaml")
    assert (said.code, said.err) == (2, f"p.parquet: {line} (say which it is: `fields: {{question: COLUMN}}`)\n")
    (folder / "p.parquet").write_text("no parquet")
    said = relay("check", "s.yaml")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert said.err.startswith("p.parquet: cannot be read: ")


@pytest.mark.parametrize(("answers", "what"), [([2.0, float("nan")], "'answer' is empty"), ([b"2", b"3"], "not bytes")])
def test_what_a_table_has_in_place_of_an_answer_is_refused(
    answers: list[Any], what: str, relay: Relay, folder: Path
) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"question": ["1?", "2?"], "answer": answers}), folder / "p.parquet")
    scenario(folder, "p.parquet")
    said = relay("check", "s.yaml")
    assert said.code == 2
    assert what in said.err
    assert "p.parquet:2: " in said.err


def test_a_folder_is_read_by_its_splits(relay: Relay, folder: Path, rows: Path) -> None:
    (folder / "mine").mkdir()
    for split, count in (("train", 4), ("test", 2)):
        (folder / "mine" / f"{split}.jsonl").write_text("".join(rows.read_text().splitlines(keepends=True)[:count]))
    for more, count in (("", 2), (", split: train", 4)):
        scenario(folder, f"{{from: ./mine{more}}}")
        said = relay("check", "s.yaml", "--json")
        assert said.code == 0, said.err
        assert json.loads(said.out)["problems"] == count


MISTAKES = {
    "gsm8": ["problems: there is no problem set 'gsm8' (did you mean 'gsm8k'?)"],
    "mbpp++": ["problems: there is no problem set 'mbpp++' (did you mean 'mbpp+'?)"],
    "paper/maths": ["problems: there is no file 'paper/maths' (did you mean the set 'paper/math'?)"],
    "{from: gsm8k, path: nope.jsonl}": ["problems.path: there is no file 'nope.jsonl' (looked in {folder})"],
    "{from: gsm8k, path: rows.jsonl, split: test}": [
        "problems.split: 'rows.jsonl' is one file and has no splits (leave it out)"
    ],
    "{from: sums, path: rows.jsonl, split: test, fields: {id: x}}": [
        "problems.path: 'sums' is no set of the hub's (leave it out; `from:` may be a file or folder itself)",
        "problems.split: 'sums' has no splits (leave it out)",
        "problems.fields: 'sums' has columns of its own (leave it out; it is for files)",
    ],
    "{from: rows.jsonl, split: test, seed: 1}": [
        "problems.split: 'rows.jsonl' has no splits (leave it out)",
        "problems.seed: 'rows.jsonl' is not drawn by a seed (leave it out; `shuffle: true` draws from it)",
    ],
    "{from: gsm8k, seed: 1}": [
        "problems.seed: 'gsm8k' is not drawn by a seed (leave it out; `shuffle: true` draws from it)"
    ],
    "sums:x": ["problems: 'sums' has no tasks (write 'sums')"],
    "{from: paper/math, split: test}": [
        "problems.split: 'paper/math' has no split of its own (leave it out, or take one of its sets)"
    ],
}


@pytest.mark.parametrize("problems", MISTAKES)
def test_a_wrong_choice_is_told_at_its_place(problems: str, relay: Relay, folder: Path, rows: Path) -> None:
    scenario(folder, problems)
    said = relay("check", "s.yaml")
    told = [line.split(": ", 1) for line in said.err.splitlines()]
    assert (said.code, said.out) == (2, "")
    assert sorted(what for _, what in told) == sorted(line.format(folder=folder) for line in MISTAKES[problems])
    assert all(place.startswith("s.yaml:4:") for place, _ in told)


def test_the_list_says_how_many_of_what_kind_and_from_where(relay: Relay) -> None:
    lines = {line.split()[0]: " ".join(line.split()) for line in relay("problems").out.splitlines()}
    assert lines["math500"].startswith("math500 500 math ")
    assert "HuggingFaceH4/MATH-500" in lines["math500"]
    assert lines["paper/code"].startswith("paper/code 1,762 code ")
    assert lines["gpqa-diamond"].startswith("gpqa-diamond 198 choice ")
    assert lines["chains"].startswith("chains no end math ")
    assert "licence: CC-BY-4.0" in lines["mbpp"]


def test_the_first_problems_of_a_set_are_printed(relay: Relay, rows: Path) -> None:
    said = relay("problems", "gsm8k", "--path", "rows.jsonl", "--limit", "2")
    assert said == Said(0, "gsm8k-0  0 + 1?  -> 1\ngsm8k-1  1 + 1?  -> 2\nnote: gsm8k: 6 problems, not 1,319\n", "")
    assert relay("problems", "gsm8") == Said(2, "", "there is no problem set 'gsm8' (did you mean 'gsm8k'?)\n")
    assert relay("problems", "GSM8K") == Said(2, "", "there is no problem set 'GSM8K' (did you mean 'gsm8k'?)\n")
    assert relay("problems", "gsm8k", "--path", "x").code == 2
    assert relay("problems", "sums", "--path", "x") == Said(
        2, "", "--path: 'sums' is no set of the hub's (leave it out)\n"
    )


def test_the_first_problems_of_a_file_are_printed(relay: Relay, folder: Path) -> None:
    (folder / "p.jsonl").write_text('{"question": "1 + 1?", "answer": 2}\n' * 3)
    assert relay("problems", "p.jsonl", "--limit", "2") == Said(0, "1  1 + 1?  -> 2\n2  1 + 1?  -> 2\n", "")
    said = relay("problems", "no.jsonl")
    assert (said.code, said.err) == (2, f"there is no file 'no.jsonl' (looked in {folder})\n")
    assert relay("problems", "p.jsonl", "--path", "x").code == 2


def test_tasks_of_reasoning_gym_run(relay: Relay, folder: Path) -> None:
    pytest.importorskip("reasoning_gym")
    scenario(folder, "{from: reasoning_gym:chain_sum, where: {num_terms: 3}, limit: 5, seed: 2}")
    said = relay("run", "s.yaml", "-o", "x.relay")
    assert said.code == 0, said.err
    assert "reasoning_gym:chain_sum\n" in relay("problems", "reasoning_gym").out
    assert relay("problems", "reasoning_gym:chain_sum").out.count("\n") == 5
    line = "reasoning-gym has no task 'chain_summ' (did you mean 'chain_sum'?)"
    assert relay("problems", "reasoning_gym:chain_summ") == Said(2, "", line + "\n")
    scenario(folder, "{from: reasoning_gym:chain_summ, limit: 5}")
    assert relay("check", "s.yaml") == Said(2, "", f"s.yaml:4:18: problems.from: {line}\n")


@pytest.mark.parametrize(
    ("hidden", "problems", "line"),
    [
        (
            "datasets",
            "{from: gsm8k, limit: 1}",
            "problem sets of the hub need the extra [sets]: pip install 'relay-cot[sets]'",
        ),
        (
            "reasoning_gym",
            "{from: reasoning_gym:chain_sum, limit: 1}",
            "problems of reasoning-gym need the extra [gym]: pip install 'relay-cot[gym]'",
        ),
    ],
)
def test_an_extra_that_is_not_installed_is_named(
    hidden: str, problems: str, line: str, program: Relay, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "hides").mkdir()
    (tmp_path / "hides" / "sitecustomize.py").write_text(HIDES.format(hidden=[hidden]))
    scenario(folder, problems)
    env = {"PYTHONPATH": str(tmp_path / "hides")}
    assert program("check", "s.yaml", env=env) == Said(2, "", line + "\n")
    assert program("problems", env=env).code == 0


def test_a_hub_that_cannot_be_reached_is_a_line(program: Relay, folder: Path) -> None:
    scenario(folder, "gsm8k")
    said = program("check", "s.yaml", env={"HF_HUB_OFFLINE": "1"})
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert said.err.startswith("s.yaml:4:11: problems: 'gsm8k' cannot be read from openai/gsm8k on the hub: ")
    assert said.err.endswith(" (without a network, give a folder or file of the same columns: `path:`)\n")
