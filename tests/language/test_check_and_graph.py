"""relay check and relay graph: what a run will do, and who may write after whom."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from relay.cli.check import check
from relay.cli.graph import graph
from relay.errors import UserError
from relay.language.yaml_places import parse, plain
from relay.scenarios import canned, opening
from relay.store.writer import RunWriter

CANNED = (
    "best-of-n", "branch-and-vote", "budget-forcing", "draft-and-judge", "explore-then-commit", "glimprouter",
    "guidability", "handoff", "lookahead", "null-relay", "offload", "plumbing", "recoverability", "relay-ring",
    "relayllm", "self-consistency", "solo", "specreason", "speculative-thinking", "supervise", "supervise-branches",
    "unsafe-steer",
)  # fmt: skip


def test_the_canned_scenarios_are_those_promised() -> None:
    assert tuple(canned()) == CANNED
    assert all(opening(path).replace(" ", "-").startswith(name.capitalize()) for name, path in canned().items())


@pytest.mark.parametrize("name", CANNED)
def test_a_canned_scenario_has_no_mistakes_and_can_be_drawn(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    check(name)
    graph(name)
    graph(name, format="mermaid")
    told = capsys.readouterr().out
    assert f"{name.capitalize()} (relay/{name}): no mistakes" in told
    assert "flowchart TD" in told


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (
            "{engine: transformers, model: relay/tinny}",
            "relay/tinny': relay knows no model of this name (did you mean",
        ),
        ("{engine: vllm, model: ./nowhere}", "2:35: models.a.model: model './nowhere': there is no such folder"),
        ("{engine: replay, run: nothere.relay, model: a}", "models.a.run: nothere.relay: no such run file"),
        ("{engine: replay, run: r.relay, model: b}", "models.a.model: 'b' is not one that r.relay used (there are a)"),
        ("{engine: http, model: who/knows, url: 'http://localhost:1'}", ""),
    ],
)
def test_check_tells_what_a_run_would_refuse_before_it_loads_a_model(
    model: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    writer = RunWriter.create(tmp_path / "r.relay")
    with writer.at_once():
        writer.put_meta(models={"a": {}}, phase="done")
    writer.close(finished=True)
    text = f"relay: 1\nmodels: {{a: {model}, idle: {{engine: transformers, model: relay/no}}}}\nproblems: sums\n"
    graph = "graph: {start: n, answer: n, nodes: {n: {write: a}}, edges: {n: end}}\n"
    (tmp_path / "x.yaml").write_text(text + graph)
    if not told:
        check("x.yaml")
        return
    with pytest.raises(UserError) as caught:
        check("x.yaml")
    assert told in str(caught.value)


def test_check_says_what_a_run_will_do(capsys: pytest.CaptureFixture[str]) -> None:
    sets = ["budget.tokens=1000", "pool.tokens=100", "models.main.context=900", "samples=2", "select.limit=12"]
    check("recoverability", sets)
    assert capsys.readouterr().out.splitlines() == [
        "Recoverability (relay/recoverability): no mistakes",
        "  problems    48, of which at most 12 are selected",
        "  samples     2 of each problem and cell",
        "  cells       6: m=0 n=0.4, m=0.2 n=0.4, m=0.4 n=0.4, m=0.6 n=0.4, m=0.8 n=0.4, m=0 n=0.4 without steer",
        "  rollouts    at most 144, at most 24 a cell",
        "  tokens      at most 144,000, and 1,000 a rollout",
        "  pool        at most 384 samples by main, of at most 38,400 tokens",
        "  model main  transformers, context 900; up to 1,000 tokens after the question;"
        " a rollout that outgrows it ends as 'context full'",
    ]


def test_a_model_that_writes_in_some_cells_only_is_told_what_it_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.yaml").write_text(
        "relay: 1\nmodels: {a: {engine: scripted, says: x}, b: {engine: scripted, says: y}}\nproblems: sums\n"
        'graph: {start: n, answer: n, nodes: {n: {write: "{model}"}}, edges: {n: end}}\n'
        "sweep: {over: {model: [a, b]}}\nbudget: {tokens: 300}\n"
    )
    check(str(tmp_path / "x.yaml"), json=True)
    models = json.loads(capsys.readouterr().out)["models"]
    assert [models[name]["tokens_after_the_question"] for name in ("a", "b")] == [300, 300]


def test_check_can_say_it_to_machines(capsys: pytest.CaptureFixture[str]) -> None:
    check("handoff", ["samples=3"], json=True)
    plan = json.loads(capsys.readouterr().out)
    assert (plan["problems"], plan["rollouts"], plan["tokens_at_most"]) == (24, 3 * 72, 3 * 72 * 2048)
    assert plan["pool_samples_at_most"] == 0


def test_check_expands_every_default(capsys: pytest.CaptureFixture[str]) -> None:
    check("recoverability", expand=True)
    told = capsys.readouterr().out
    tree = plain(parse(told, "f"))
    assert isinstance(tree, dict)
    assert tree["graph"]["nodes"]["main"]["opens_with"]["take"] == "{m}"  # type: ignore[index, call-overload]
    assert tree["sampling"] == {"temperature": 0.6, "top_p": 0.95}
    check("recoverability", expand=True, json=True)
    assert json.loads(capsys.readouterr().out) == tree


def test_check_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    check(schema=True)
    assert json.loads(capsys.readouterr().out)["title"] == "relay scenario"


def test_check_takes_a_scenario_or_asks_for_the_schema() -> None:
    for scenario, schema in (("", False), ("solo", True)):
        with pytest.raises(UserError, match="takes a scenario, or --schema"):
            check(scenario, schema=schema)


def test_a_graph_reads_as_lines(capsys: pytest.CaptureFixture[str]) -> None:
    graph("recoverability")
    assert capsys.readouterr().out.splitlines()[3:] == [
        "start --> main",
        "main --(visits of main = 1)--> steer",
        "main --> end",
        "steer --> main",
        "",
        "may answer: main",
        "passed over in the cell 'm=0 n=0.4 without steer': steer",
    ]


def test_nothing_in_a_label_means_something_to_mermaid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.yaml").write_text(
        "relay: 1\nmodels: {m: {engine: scripted, says: x}}\nproblems: sums\n"
        "graph:\n  start: end-a\n  answer: end-a\n"
        "  nodes: {end-a: {write: m, until: {text: 'a\"]; b --> c <b>|`#'}}}\n"
        "  edges: {end-a: [{when: {stopped: '|\"<'}, to: refuse}, end]}\n"
    )
    graph(str(tmp_path / "x.yaml"), format="mermaid")
    told = capsys.readouterr().out
    assert told.splitlines() == [
        "flowchart TD",
        "  begin((start)) --> n0",
        "  n0[\"end-a<br/>write: m, until: #123;text: 'a#34;#93;#59; b --#62; c #60;b#62;#124;#96;#35;'#125;\"]",
        '  e_refuse(("refuse"))',
        '  e_end(("end"))',
        "  n0 -->|\"stopped by '#124;#34;#60;'\"| e_refuse",
        "  n0 --> e_end",
        "  class n0 answers",
        "  classDef answers stroke-width:3px",
    ]


def test_reading_a_scenario_loads_nothing_heavy() -> None:
    heavy = ("torch", "transformers", "sympy", "textual", "math_verify", "jinja2")
    code = (
        "import sys; import relay.language.reading as r; assert 'networkx' not in sys.modules\n"
        "from relay.language.composing import language; language()\n"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_drawing_shows_where_branches_start_and_what_is_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    graph("self-consistency")
    graph("specreason")
    lines = capsys.readouterr().out.splitlines()
    assert "fork ..> think" in lines
    assert "check --(score of check >= 7)--> draft" in lines
    assert "check --(drop draft)--> rewrite" in lines
    graph("self-consistency", format="mermaid")
    graph("specreason", format="mermaid")
    lines = capsys.readouterr().out.splitlines()
    assert "  n0 -.-> n1" in lines
    assert '  n1 -->|"drop draft"| n2' in lines
