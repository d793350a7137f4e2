"""Where rows come from: one code path for the hub, and for files and folders with splits and configurations."""

from pathlib import Path

import pytest

from relay.errors import UserError
from relay.sets import table
from tests.sets.conftest import put, rows

CARD = """\
---
configs:
{}
---
"""
CONFIG = """\
- config_name: {0}
  data_files:
  - {{split: train, path: {0}/train.jsonl}}
  - {{split: test, path: {0}/test.jsonl}}"""


def repository(path: Path, configs: tuple[str, ...]) -> Path:
    """A folder as the hub has it: a card that says where each split of each configuration lies."""
    (path / "README.md").write_text(CARD.format("\n".join(map(CONFIG.format, configs))))
    for number, name in enumerate(configs):
        (path / name).mkdir()
        put(path / name / "train.jsonl", rows("gsm8k", 5 + number))
        put(path / name / "test.jsonl", rows("gsm8k", 3 + number))
    return path


def test_a_folder_as_the_hub_has_it_is_read_by_configuration_and_split(tmp_path: Path) -> None:
    place = repository(tmp_path, ("socratic", "main"))
    usual, train = table.gsm8k.found(place), table.gsm8k.found(place, "train")
    assert (len(usual.problems), usual.facts["split"], usual.notes) == (4, "test", ("gsm8k: 4 problems, not 1,319",))
    assert (len(train.problems), train.facts["split"], train.notes) == (6, "train", ())
    assert usual.problems[0].place == f"{place} row 1"


def test_the_hub_itself_is_asked_for_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What `datasets` gives for the hub's name, it is given here from a folder."""
    import datasets

    load_dataset, asked = datasets.load_dataset, []
    place = repository(tmp_path, ("socratic", "main"))

    def stand_in(path: str, name: str | None) -> object:
        asked.append((path, name))
        return load_dataset(str(place), name)

    monkeypatch.setattr(datasets, "load_dataset", stand_in)
    found = table.gsm8k.found()
    assert asked == [("openai/gsm8k", "main")]
    assert [p for _, p in found.problems] == [p for _, p in table.gsm8k.found(place).problems]
    assert found.problems[0].place == "openai/gsm8k test row 1"
    assert found.facts == {
        "name": "gsm8k", "repo": "openai/gsm8k", "config": "main", "split": "test", "licence": "MIT", "count": 1319,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["some.jsonl", "some.jsonl.gz", "some.csv", "some.parquet"])
def test_a_file_of_the_hub_s_columns_is_read_whatever_its_form(name: str, tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import csv, parquet

    given = rows("gsm8k", 4)
    if "json" in name:
        put(tmp_path / name, given)
    else:
        (csv.write_csv if name.endswith("csv") else parquet.write_table)(pa.Table.from_pylist(given), tmp_path / name)
    found = table.gsm8k.found(tmp_path / name)
    assert [(p.id, p.answer) for _, p in found.problems] == [(f"gsm8k-{n}", str(n + 1)) for n in range(4)]


def said(place: Path, split: str | None = None) -> list[str]:
    with pytest.raises(UserError) as told:
        table.gsm8k.found(place, split)
    return [str(mistake) for mistake in told.value.mistakes]


def test_what_cannot_be_read_says_what_and_what_instead(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    place = repository(tmp_path / "hub", ("main",))
    assert said(place, "tset") == ["problems.split: 'gsm8k' has no split 'tset' (did you mean 'test'?)"]
    assert said(place, "x") == ["problems.split: 'gsm8k' has no split 'x' (there are train, test)"]
    assert said(put(tmp_path / "a.jsonl", [{"q": "?", "answer": "1"}])) == [
        "problems.path: 'gsm8k' has no column 'question'; it has 'q', 'answer' (give it the columns of the hub's, or "
        "read it with `from:` and `fields:`)"
    ]
    (tmp_path / "b.txt").write_text("?")
    assert said(tmp_path / "b.txt") == [
        f"{tmp_path}/b.txt: ends in none of .jsonl, .jsonl.gz, .csv, .csv.gz, .parquet (convert it)"
    ]
    for name, content in (("c.jsonl", "{"), ("d.parquet", "no parquet"), ("e.jsonl", "")):
        (tmp_path / name).write_text(content)
        (line,) = said(tmp_path / name)
        assert line.startswith(f"problems.path: 'gsm8k' cannot be read from {tmp_path}/{name}: ")
        assert line.endswith(" (mend it, or take another)")
        assert "\n" not in line
