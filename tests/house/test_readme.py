"""What the README and the docs show works: scenarios pass `relay check`, commands parse, the free ones are run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from relay.cli import build

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUN_FOR_REAL = ("relay check", "relay graph", "relay scenarios", "relay problems", "relay --version")


def blocks(page: Path) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", page.read_text(), flags=re.DOTALL)


SCENARIOS = [(page.name, text) for page in PAGES for text in blocks(page) if text.lstrip("# \n").count("relay: 1")]


def commands() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for line in page.read_text().splitlines():
            shown = line.strip().strip("`").partition("  #")[0].strip()
            if (line.startswith("    ") and shown.startswith("relay ")) or re.fullmatch(r"`relay [^`]+`", line.strip()):
                found.append((page.name, shown))
    return sorted(set(found))


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from relay.cli import main; main()", *shlex.split(command)[1:]]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder, with the README's scenario and problems where the README has them."""
    path = tmp_path_factory.mktemp("reader")
    (path / "my").mkdir()
    (path / "my" / "problems.jsonl").write_text('{"question": "What is 1 + 1?", "answer": "2"}\n')
    (path / "my" / "handoff.yaml").write_text(blocks(ROOT / "README.md")[0])
    return path


def test_there_are_scenarios_and_commands_to_test() -> None:
    assert len(SCENARIOS) >= 1
    assert len(commands()) >= 7


@pytest.mark.parametrize(("page", "text"), SCENARIOS, ids=[f"{p}-{i}" for i, (p, _) in enumerate(SCENARIOS)])
def test_a_scenario_that_is_shown_reads(page: str, text: str, tmp_path: Path) -> None:
    from relay.language.reading import read

    (tmp_path / "shown.yaml").write_text(text)
    assert read(str(tmp_path / "shown.yaml")).cells


@pytest.mark.parametrize(("page", "command"), commands())
def test_a_command_that_is_shown_parses(page: str, command: str) -> None:
    group = typer.main.get_command(build())
    words = shlex.split(command)[1:]
    if words[0].startswith("--"):
        return
    context = typer.Context(group)
    sub = group.get_command(context, words[0])  # type: ignore[attr-defined]
    assert sub is not None, f"no command {words[0]}"
    sub.make_context(words[0], words[1:], parent=context).close()


@pytest.mark.parametrize(("page", "command"), [c for c in commands() if c[1].startswith(RUN_FOR_REAL)])
def test_a_command_that_costs_nothing_runs(page: str, command: str, folder: Path) -> None:
    said = run(command, folder)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout


@pytest.mark.parametrize(("page", "command"), [c for c in commands() if "--dry" in c[1] and "--calibrate" not in c[1]])
def test_a_forecast_that_is_shown_runs(page: str, command: str, folder: Path) -> None:
    said = run(command, folder)
    assert said.returncode == 0, said.stderr
    assert "what it could see" in said.stdout


def test_the_make_targets_that_are_shown_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for page in PAGES:
        for target in re.findall(r"\bmake ([a-z-]+)\b", page.read_text()):
            if target not in ("a", "the", "it"):
                assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), f"{page.name}: make {target}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} -> {link}"
