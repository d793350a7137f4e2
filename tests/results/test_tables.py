"""Scores for other programs, and the methods in words: the same figures, nothing that runs, every fact of the file."""

import csv
import json
import re
from io import StringIO
from pathlib import Path

import pytest

import relay
from relay.cli import main
from relay.measure.scores import scores
from relay.reports.methods import methods
from relay.reports.tables import csv_of, escaped, latex_of
from relay.store.reader import Run


def call(*args: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(args)
    assert isinstance(end.value.code, int)
    return end.value.code


def test_csv_has_every_figure_of_every_cell_unrounded(recovered: Path) -> None:
    with Run(recovered) as run:
        rows = [*csv.DictReader(StringIO(csv_of([run])))]
        found = scores(run)
    assert [row["cell"] for row in rows] == [score.cell for score in found]
    for row, score in zip(rows, found, strict=True):
        assert float(row["score"]) == score.score
        assert score.interval is not None
        assert (float(row["low"]), float(row["high"]), row["interval"]) == score.interval
        assert (int(row["correct"]), int(row["graded"]), int(row["decoded"])) == (
            score.correct, score.graded, score.decoded,
        )  # fmt: skip


def test_no_field_of_the_csv_is_a_formula_to_a_spreadsheet(
    recovered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "=cmd|calc.relay"
    file.write_bytes(recovered.read_bytes())
    monkeypatch.chdir(tmp_path)
    with Run(Path(file.name)) as run:
        rows = [*csv.reader(StringIO(csv_of([run])))]
    assert rows[1][0] == "'=cmd|calc.relay"
    assert not any(field[:1] in "=+@" for row in rows for field in row if field)


def test_latex_is_balanced_escaped_and_has_the_printed_figures(recovered: Path) -> None:
    with Run(recovered) as run:
        text = latex_of([run])
        found = scores(run)
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") >= 2
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == text.count(r"\begin{tabular}")
    for score in found:
        assert score.score is not None
        assert re.search(rf"^{re.escape(score.cell)} & {100 * score.score:.1f} & ", text, re.MULTILINE)
    for line in text.splitlines():
        if line.endswith(r"\\"):
            assert not re.search(r"(?<!\\)[%#_$](?!-\$|[^&]*\$)", line.replace("$-$", "")), line


def test_a_title_cannot_be_a_command_of_latex() -> None:
    assert escaped(r"\input{x} 5 % of a_b & $c$ ~^") == (
        r"\textbackslash{}input\{x\} 5 \% of a\_b \& \$c\$ \textasciitilde{}\textasciicircum{}"
    )
    assert escaped("a\n\\end{table}") == r"a \textbackslash{}end\{table\}"


def test_the_methods_say_what_was_run_from_the_file_alone(recovered: Path) -> None:
    with Run(recovered) as run:
        text, meta = " ".join(methods(run)), run.meta
    for fact in (
        "relay/recoverability", meta["relay"], meta["models"]["main"]["script"], meta["problem_set"]["hash"],
        "16 problems of chains", "temperature: 0.6", "m: [0, 0.4, 0.8]", "Seed: 0", "at_least: 1/2", "Graded by math",
        "95 % intervals (Wilson)", "do not cover how the problems were selected", "No test was declared",
        "continued 1 time in every cell", "Rollouts: 112.", 'stitch: "{stitch}"',
    ):  # fmt: skip
        assert fact in text, fact


CUT = """\
relay: 1
models: {a: {engine: scripted, says: 'Hm. Well. So.</think>{answer}'}}
problems: {from: sums, limit: 3}
graph:
  start: a
  answer: a
  nodes: {a: {write: a, until: [{sentences: 1}]}}
  edges: {a: [{when: answered, to: end}, a]}
budget: {tokens: 2}
"""


def test_the_methods_tell_of_rollouts_that_a_budget_ended(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(CUT)
    path = relay.run(tmp_path / "s.yaml", tmp_path / "r.relay").path
    with Run(path) as run:
        text = " ".join(methods(run))
    assert "3 were ended by a budget or the context, and graded all the same" in text


def test_the_methods_of_an_adaptive_run_do_not_say_that_all_was_walked(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        CUT.replace("budget: {tokens: 2}", "samples: {adaptive: 0.9, at_most: 4, batch: 2}")
    )
    path = relay.run(tmp_path / "s.yaml", tmp_path / "r.relay").path
    with Run(path) as run:
        text = " ".join(methods(run))
    assert "adaptive: 0.9" in text
    assert "in every cell" not in text


def test_files_are_refused_before_anything_is_done(recovered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("report", str(recovered), "--html", "none/x.html", "--csv", "x.relay", "--latex", "y.pdf") == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert "no folder" in said[0]
    assert ".csv" in said[1]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--html", "a.html", "--looks", "--cost"], "relay report --html: does not go with --looks, --cost"),
        (["--methods", "--paper"], "relay report --methods: does not go with --paper"),
        (["--csv", "a.csv", "--methods"], "relay report --csv: does not go with --methods"),
        (["--latex", "a.tex", "--json"], "relay report --latex: does not go with --json"),
    ],
)
def test_nothing_that_is_asked_for_is_left_out_without_a_word(
    asked: list[str], said: str, recovered: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("report", str(recovered), *asked) == 2
    assert said in capsys.readouterr().err


def test_the_command_writes_all_three_and_tells_the_methods(
    recovered: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [str(tmp_path / name) for name in ("a.html", "a.csv", "a.tex")]
    assert call("report", str(recovered), "--html", names[0], "--csv", names[1], "--latex", names[2]) == 0
    assert capsys.readouterr().out.split() == names
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.html", "a.tex"]
    assert call("report", str(recovered), "--methods", "--json") == 0
    assert "chains" in json.loads(capsys.readouterr().out)["methods"][2]
