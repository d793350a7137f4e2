"""What a user sees when a model, its server or an extra is not there: a line, and nothing left behind."""

from pathlib import Path

import pytest

from tests.cli.conftest import SCENARIO, Relay, Said, tree

HIDES = """\
import importlib.machinery as machinery
find = machinery.PathFinder.find_spec
def find_spec(name, path=None, target=None):
    return None if name.partition(".")[0] in {hidden!r} else find(name, path, target)
machinery.PathFinder.find_spec = find_spec
"""

THIRD_PARTY = """\
from typing import Literal
from relay.errors import EngineError, Mistake, UserError
from relay.language.scenario import Model
class Absent(Model):
    engine: Literal["absent"] = "absent"
    model: str
    async def open(self, *, deterministic=False):
        if self.model == "down":
            raise EngineError("the server at localhost:1 does not answer")
        raise UserError(Mistake(f"model {self.model!r}", "is not there", "tried the shelf and the drawer"))
"""
NOT_HERE = "(give a folder, a .gguf file, or relay/tiny)"


@pytest.fixture
def third_party(tmp_path: Path) -> dict[str, str]:
    """A package with an engine of its own, found as an installed one is."""
    site = tmp_path / "site"
    info = site / "absent-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: absent\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[relay.engines]\nabsent = absent:Absent\n")
    (site / "absent.py").write_text(THIRD_PARTY)
    return {"PYTHONPATH": str(site)}


def test_a_third_party_s_model_that_is_not_there_is_a_line(
    program: Relay, folder: Path, third_party: dict[str, str]
) -> None:
    (folder / "s.yaml").write_text(
        SCENARIO.replace('scripted, says: "Well, let me see.</think>The answer is {answer}."', "absent, model: X")
    )
    before = tree(folder)
    said = program("run", "s.yaml", "-o", "new/x.relay", env=third_party)
    assert said == Said(2, "", "loading a\nmodel 'X': is not there (tried the shelf and the drawer)\n")
    said = program("run", "s.yaml", "-o", "new/x.relay", "--set", "models.a.model=down", env=third_party)
    assert said == Said(1, "", "loading a\nrelay: the server at localhost:1 does not answer\n")
    assert tree(folder) == before


def test_an_engine_that_nobody_has_registered_is_a_line(relay: Relay, folder: Path) -> None:
    (folder / "s.yaml").write_text(SCENARIO.replace("engine: scripted", "engine: scriptd"))
    line = "s.yaml:3:15: models.a.engine: there is no engine 'scriptd' (did you mean 'scripted'?)"
    assert relay("run", "s.yaml", "-o", "new/x.relay") == Said(2, "", f"{line}\n")


def test_a_model_of_the_canned_scenarios_that_is_not_there_is_a_line(relay: Relay, folder: Path) -> None:
    before = tree(folder)
    said = relay("run", "solo", "--set", "models.main.model=./nope")
    line = f"model './nope': there is no such folder (looked in {folder}) {NOT_HERE}"
    assert said == Said(2, "", f"loading main\n{line}\n")
    assert tree(folder) == before, "not even runs/"


@pytest.mark.parametrize("hidden", ["torch", "transformers", "gguf"])
def test_an_extra_that_is_not_installed_is_named(hidden: str, program: Relay, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "hides").mkdir()
    (tmp_path / "hides" / "sitecustomize.py").write_text(HIDES.format(hidden=[hidden]))
    (folder / "m.gguf").write_bytes(b"GGUF")
    before = tree(folder)
    said = program("run", "solo", "--set", "models.main.model=m.gguf", env={"PYTHONPATH": str(tmp_path / "hides")})
    line = "engine transformers needs the extra [transformers]: pip install 'relay-cot[transformers]'"
    assert said == Said(2, "", f"loading main\n{line}\n")
    assert tree(folder) == before
