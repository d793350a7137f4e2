"""What a user sees whose problem file is broken: the line of every fault, before any model is loaded."""

import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import SCENARIO, Relay, Said, tree

GOOD = '{"question": "1 + 1?", "answer": 2}\n'
WHOLE = gzip.compress(GOOD.encode() * 1000, mtime=0)
MEND = "(mend the line, or leave it out)"

FILES: dict[str, tuple[str, str | bytes, str]] = {
    "a line that is not JSON": (
        "p.jsonl",
        GOOD + "\n" + '{"question": "2 + 2?",, "answer": 4}\n',
        f"p.jsonl:3: is not JSON: expecting property name enclosed in double quotes, column 23 {MEND}",
    ),
    "a line that ends too soon": (
        "p.jsonl",
        GOOD + '{"question": "2 +',
        f"p.jsonl:2: is not JSON: unterminated string, column 14 {MEND}",
    ),
    "a line that is no object": (
        "p.jsonl",
        GOOD + "[1, 2]\n",
        'p.jsonl:2: is JSON, but not an object (write {"question": ..., ...})',
    ),
    "a line nested beyond all bounds": (
        "p.jsonl",
        GOOD + "[" * 100_000 + "\n",
        f"p.jsonl:2: is not JSON that can be read: it is nested too deep, or a number is too long {MEND}",
    ),
    "bytes that are no text": (
        "p.jsonl",
        GOOD.encode() + b'{"question": "\xff", "answer": 2}\n',
        "p.jsonl:2: is not UTF-8 text (save the file as UTF-8)",
    ),
    "half a character": (
        "p.jsonl",
        GOOD + '{"question": "\\ud800", "answer": 2}\n',
        f"p.jsonl:2: its question holds half a character, a lone surrogate {MEND}",
    ),
    "no question": (
        "p.jsonl",
        GOOD + '{"text": "2 + 2?", "answer": 4}\n',
        "p.jsonl:2: has no question: no column 'question' or 'problem' or 'prompt'; it has 'text', 'answer' "
        "(say which it is: `fields: {question: COLUMN}`)",
    ),
    "no answer": (
        "p.jsonl",
        GOOD + '{"question": "2 + 2?"}\n',
        "p.jsonl:2: has no answer: no column 'answer' or 'solution'; it has 'question' "
        "(say which it is: `fields: {answer: COLUMN}`)",
    ),
    "an empty answer": (
        "p.jsonl",
        GOOD + '{"question": "2 + 2?", "answer": " "}\n',
        f"p.jsonl:2: 'answer' is empty {MEND}",
    ),
    "an answer that is not a number": (
        "p.jsonl",
        GOOD + '{"question": "2 + 2?", "answer": NaN}\n',
        f"p.jsonl:2: 'answer' is empty {MEND}",
    ),
    "an answer without bounds": (
        "p.jsonl",
        GOOD + '{"question": "2 + 2?", "answer": Infinity}\n',
        f"p.jsonl:2: 'answer' is a number without bounds {MEND}",
    ),
    "half a character in the kind": (
        "p.jsonl",
        GOOD + '{"question": "2 + 2?", "answer": 4, "kind": "\\ud800"}\n',
        f"p.jsonl:2: its kind holds half a character, a lone surrogate {MEND}",
    ),
    "no column for the question in any line": (
        "p.jsonl",
        '{"text": "2 + 2?", "answer": 4}\n' * 30,
        "p.jsonl: has no question: no column 'question' or 'problem' or 'prompt'; it has 'text', 'answer' "
        "(say which it is: `fields: {question: COLUMN}`)",
    ),
    "a column twice": (
        "p.csv",
        "question,answer,answer\n1 + 1?,2,3\n",
        "p.csv:1: names the column 'answer' twice (give each a name of its own)",
    ),
    "lines that end with carriage returns": (
        "p.csv",
        "question,answer\r1 + 1?,2\r",
        "p.csv:1: has a carriage return within a field (end lines with a line feed, and quote what holds one)",
    ),
    "a question that no model could read": (
        "p.jsonl",
        GOOD + f'{{"question": "{"q" * 1_000_001}", "answer": 4}}\n',
        f"p.jsonl:2: 'question' has 1,000,001 characters, more than 1,000,000 {MEND}",
    ),
    "an answer that is a list": (
        "p.jsonl",
        GOOD + '{"question": "2 + 2?", "answer": ["4"]}\n',
        "p.jsonl:2: 'answer' should be text or a number, not a list (name another with `fields:`)",
    ),
    "an empty file": (
        "p.jsonl",
        "",
        "s.yaml:4:18: problems.from: 'p.jsonl' holds no problem (take another file, or a set)",
    ),
    "duplicate ids": (
        "p.jsonl",
        "".join(f'{{"id": "{i}", "question": "?", "answer": 1}}\n' for i in "abacb"),
        "p.jsonl:3: the id 'a' stands here again (first at p.jsonl:1)\n"
        "p.jsonl:5: the id 'b' stands here again (first at p.jsonl:2)",
    ),
    "many broken lines": (
        "p.jsonl",
        "x\n" * 2000,
        "".join(f"p.jsonl:{n}: is not JSON: expecting value, column 1 {MEND}\n" for n in range(1, 11))
        + "p.jsonl: 1,990 more lines are like these",
    ),
    "a row with too many fields": (
        "p.csv",
        "question,answer\n1 + 1?,2\nIs 1,000 large?,no\n",
        "p.csv:3: has more fields than there are columns (put what holds a comma in quotes)",
    ),
    "a row with too few fields": ("p.csv", "question,answer\n1 + 1?,2\n2 + 2?\n", f"p.csv:3: 'answer' is empty {MEND}"),
    "quotes that are never closed": (
        "p.csv",
        'question,answer\n1 + 1?,2\n"2 + 2?,4\n3 + 3?,6\n',
        "p.csv:3: opens quotes that are never closed (close them; a quote in quotes is written twice)",
    ),
    "a kind of file that relay does not read": (
        "p.txt",
        GOOD,
        "p.txt: ends in none of .jsonl, .csv and .parquet (convert it; the first two may end in .gz)",
    ),
    "a file that is not packed": (
        "p.jsonl.gz",
        GOOD,
        "p.jsonl.gz: cannot be read: Not a gzipped file (b'{\"') (mend it, or take another)",
    ),
    "half a packed file": (
        "p.jsonl.gz",
        WHOLE[: len(WHOLE) // 2],
        "p.jsonl.gz: cannot be read: Compressed file ended before the end-of-stream marker was reached "
        "(mend it, or take another)",
    ),
}


def scenario(name: str, more: str = "") -> str:
    return SCENARIO.replace("{from: sums, limit: 4}", f"{{from: {name}{more}}}")


@pytest.mark.parametrize("kind", FILES)
def test_a_fault_in_a_problem_file_is_told_with_its_line(kind: str, relay: Relay, folder: Path) -> None:
    name, content, line = FILES[kind]
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "s.yaml").write_text(scenario(name))
    before = tree(folder)
    said = relay("run", "s.yaml", "-o", "new/folder/x.relay")
    assert said == Said(2, "", f"{line}\n")
    assert relay("check", "s.yaml") == said
    assert tree(folder) == before


def test_a_column_that_is_misspelled_is_told_once(relay: Relay, folder: Path) -> None:
    (folder / "p.jsonl").write_text('{"text": "2 + 2?", "answer": 4}\n' * 30)
    (folder / "s.yaml").write_text(scenario("p.jsonl", ", fields: {question: txt}"))
    line = "p.jsonl: has no question: no column 'txt'; it has 'text', 'answer' (did you mean 'text'?)"
    assert relay("check", "s.yaml") == Said(2, "", f"{line}\n")


def test_numbers_that_json_cannot_say_are_left_out_of_the_other_columns(relay: Relay, folder: Path) -> None:
    (folder / "p.jsonl").write_text(GOOD.replace("}", ', "level": NaN, "high": Infinity, "low": 1}'))
    (folder / "s.yaml").write_text(scenario("p.jsonl"))
    assert relay("run", "s.yaml", "-o", "x.relay").code == 0
    with closing(sqlite3.connect(folder / "x.relay")) as db:
        assert db.execute(
            "SELECT json_extract(extra, '$.low'), json_extract(extra, '$.high') FROM problem"
        ).fetchall() == [(1, None)]


def test_a_problem_file_that_is_not_there_says_where_it_was_looked_for(relay: Relay, folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "s.yaml").write_text(scenario("nope.jsonl"))
    line = f"problems.from: there is no file 'nope.jsonl' (looked in {folder / 'deep'} and {folder})"
    assert relay("run", "deep/s.yaml", "-o", "new/x.relay") == Said(2, "", f"deep/s.yaml:4:18: {line}\n")
    assert not (folder / "new").exists()


ROWS = GOOD.replace("}", ', "level": "easy"}') + GOOD.replace("}", ', "level": 2}')

WHERES = {
    "{levle: easy}": "problems.where: no problem of 'p.jsonl' has 'levle' (did you mean 'level'?)",
    "{xyz: easy}": "problems.where: no problem of 'p.jsonl' has 'xyz' (there are id, level)",
    "{level: hard}": "problems.where: fits none of the 2 problems of 'p.jsonl' (loosen it)",
}


@pytest.mark.parametrize("where", WHERES)
def test_a_where_that_leaves_nothing_is_told_at_its_place(where: str, relay: Relay, folder: Path) -> None:
    (folder / "p.jsonl").write_text(ROWS)
    (folder / "s.yaml").write_text(scenario("p.jsonl", f", where: {where}"))
    assert relay("run", "s.yaml", "-o", "new/x.relay") == Said(2, "", f"s.yaml:4:34: {WHERES[where]}\n")
    assert not (folder / "new").exists()


@pytest.mark.parametrize("name", ["p.jsonl", "p.csv", "p.jsonl.gz"])
def test_what_editors_and_spreadsheets_write_is_read(name: str, relay: Relay, folder: Path) -> None:
    """A mark of the byte order, lines that end as on Windows, a comma and a new line within quotes."""
    rows = {"p.csv": '\ufeffquestion,answer,level\r\n"1 +\r\n1,?",2,2\r\n'}
    content = rows.get(name, "\ufeff" + GOOD.replace("}", ', "level": 2}').replace("\n", "\r\n") + "\r\n").encode()
    (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    (folder / "s.yaml").write_text(scenario(name, ", where: {level: 2}"))
    said = relay("check", "s.yaml", "--json")
    assert (said.code, said.err) == (0, "")
    assert '"problems": 1' in said.out


@pytest.mark.parametrize(
    ("problems", "lines"),
    [
        (
            "chains",
            ["s.yaml:4:11: problems: 'chains' has no end (say how many: `limit: 200`)"],
        ),
        (
            "{from: chains, shuffle: true}",
            [
                "s.yaml:4:11: problems: 'chains' has no end (say how many: `limit: 200`)",
                "s.yaml:4:35: problems.shuffle: 'chains' has no end that could be shuffled in (leave it out; another "
                "`seed:` draws other problems)",
            ],
        ),
        (
            "{from: chains, limit: 4, where: {difficulty: 9}}",
            ["s.yaml:4:43: problems.where: fits none of the 1,000 problems of 'chains' (loosen it)"],
        ),
        (
            "{from: brackets, limit: 400, where: {difficulty: 1}}",
            [
                "s.yaml:4:35: problems.limit: 'brackets' has only 5 problems that fit, not 400 (loosen `where:`, or "
                "take fewer)"
            ],
        ),
        (
            "{from: sums, seed: 3}",
            ["s.yaml:4:30: problems.seed: 'sums' is not drawn by a seed (leave it out; `shuffle: true` draws from it)"],
        ),
        ("chain", ["s.yaml:4:11: problems: there is no problem set 'chain' (did you mean 'chains'?)"]),
    ],
)
def test_a_set_without_an_end_says_what_it_needs(problems: str, lines: list[str], relay: Relay, folder: Path) -> None:
    (folder / "s.yaml").write_text(SCENARIO.replace("{from: sums, limit: 4}", problems))
    said = relay("check", "s.yaml")
    assert (said.code, said.out, said.err.splitlines()) == (2, "", lines)


def test_problems_of_a_family_are_drawn_by_their_seed(relay: Relay, folder: Path) -> None:
    """The first that fit, the same every time, other ones for another seed."""
    from relay.language.scenario import Problems
    from relay.prepare.problem_sets import load_problems

    def drawn(seed: int, limit: int = 60) -> list[str]:
        spec = Problems.model_validate(
            {"from": "chains", "where": {"difficulty": (3, 5)}, "limit": limit, "seed": seed}
        )
        found = load_problems(spec, folder).problems
        assert {p.extra["difficulty"] for p in found} == {3, 5}
        return [p.question for p in found]

    assert len(drawn(0)) == 60
    assert drawn(0) == drawn(0, 2000)[:60]
    assert not set(drawn(0)) & set(drawn(1))
