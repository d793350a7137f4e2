"""Stand-in files: rows of the columns that the hub has, as many as a test asks for."""

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

Row = dict[str, Any]

# How many problems each set has, counted here anew: the table must say the same.
MATH = {"aime24": 30, "aime25": 30, "math500": 500, "minerva": 272, "olympiadbench": 675}
CODE = {"humaneval": 164, "mbpp": 500, "cruxeval-output": 800, "humaneval+": 164, "mbpp+": 378}
SHARED_WORDS = 80  # problems of MBPP+ that stand in MBPP with the same words and shown tests


def _asked(n: int) -> Row:
    return {"problem": f"Find {n} + 1.", "answer": str(n + 1)}


def _function(n: int, more: str = "") -> Row:
    return {
        "task_id": f"HumanEval/{n}", "prompt": f'def f{n}(x):\n    """Add {n}."""\n', "entry_point": f"f{n}",
        "canonical_solution": f"    return x + {n}\n",
        "test": f"def check(candidate):\n    assert candidate(1) == {n + 1}\n{more}",
    }  # fmt: skip


def _task(n: int) -> Row:
    return {"task_id": n, "code": f"def g{n}(x):\n    return x * {n}", "test_list": [f"assert g{n}(2) == {2 * n}"]}


ROWS: Mapping[str, Callable[[int], Row]] = {
    "aime24": lambda n: {"id": n, **_asked(n), "solution": "...", "url": "...", "year": "2024"},
    "aime25": lambda n: {"id": str(n), **_asked(n)},
    "math500": lambda n: {
        **_asked(n), "solution": "...", "subject": "Algebra", "level": n % 5 + 1, "unique_id": f"test/algebra/{n}.json",
    },
    "minerva": lambda n: {"question": f"How far is {n}?", "answer": f"{n} m"},
    "olympiadbench": lambda n: {**_asked(n), "answer": [f"${n}$", f"${-n}$"]},
    "gsm8k": lambda n: {"question": f"Ann has {n} eggs and buys one.", "answer": f"{n} + 1 = {n + 1}\n#### {n + 1}"},
    "humaneval": _function,
    "humaneval+": lambda n: _function(n, f"    assert candidate(0) == {n}\n"),
    "mbpp": lambda n: {
        **_task(n), "text": f"Write a function that takes {n} times.", "test_setup_code": "", "challenge_test_list": [],
    },
    "mbpp+": lambda n: {
        **_task(n), "prompt": f"Write a function that takes {n} times." if n < SHARED_WORDS else f"Multiply by {n}.",
        "source_file": "...", "test_imports": ["import math"],
        "test": f"for x in range(9):\n    assert g{n}(x) == {n} * x",
    },
    "cruxeval-output": lambda n: {
        "code": f"def f(x):\n    return x + {n}", "input": "1", "output": str(n + 1), "id": f"sample_{n}",
    },
    "gpqa-diamond": lambda n: {
        "Question": f"What is {n}?\n", "Correct Answer": f"it {n}\n", "Incorrect Answer 1": "a",
        "Incorrect Answer 2": "b", "Incorrect Answer 3": "c", "Record ID": f"rec{n}", "Subdomain": "Genetics",
        "High-level domain": "Biology",
    },
}  # fmt: skip
ROWS = {**ROWS, "cruxeval-input": ROWS["cruxeval-output"], "gpqa": ROWS["gpqa-diamond"]}


def rows(name: str, count: int) -> list[Row]:
    """So many rows as the hub has them."""
    return [ROWS[name](n) for n in range(count)]


def put(path: Path, given: list[Row]) -> Path:
    """A JSONL file of these rows."""
    text = "".join(json.dumps(row) + "\n" for row in given)
    path.write_bytes(gzip.compress(text.encode()) if path.name.endswith(".gz") else text.encode())
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `datasets` keeps of a file lies with the test."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))
