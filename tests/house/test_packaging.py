"""What is shipped: one package, relay, with its four folders, and nothing else at the top."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS = {"relay": "relay", "verifiers": "relay.verifiers", "tui": "relay.tui", "scenarios": "relay.scenarios"}


def test_the_list_of_packages_is_true() -> None:
    there = set()
    for folder, package in FOLDERS.items():
        for init in (ROOT / folder).rglob("__init__.py"):
            there.add(".".join((package, *init.parent.relative_to(ROOT / folder).parts)))
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == there


def test_every_folder_with_code_is_a_package() -> None:
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            assert (path.parent / "__init__.py").exists(), path


def test_type_checkers_see_the_mapped_folders() -> None:
    for folder in ("verifiers", "tui", "scenarios"):
        link = ROOT / "typings" / "relay" / folder
        assert link.is_symlink()
        assert link.resolve() == ROOT / folder


def test_constraints_are_exact_and_name_no_registry() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert len(lines) > 30
    assert [line for line in lines if "==" not in line or "/" in line or "--" in line] == []


def test_every_dependency_says_why() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    start = text.index("dependencies = [")
    lines = [line for line in text[start : text.index("]", start)].splitlines()[1:] if line.strip()]
    assert [line for line in lines if "#" not in line] == []


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    source = tmp_path_factory.mktemp("source") / "relay"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source)],
        check=True,
        capture_output=True,
    )
    return folder


def test_the_wheel_holds_relay_and_nothing_else_at_its_top(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"relay", "relay_cot-0.1.0.dist-info"}
    for needed in (
        "relay/py.typed", "relay/tui/__init__.py", "relay/tui/monitor/relay.tcss", "relay/verifiers/math.py",
        "relay/scenarios/recoverability.yaml", "relay/engine/scripted-tokenizer.json",
        "relay/zoo/tiny/model.safetensors",
        "relay/zoo/tiny-guide/README.md",
    ):  # fmt: skip
        assert needed in names


def test_the_source_distribution_can_be_built_from(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {"/".join(n.split("/")[1:]) for n in archive.getnames()}
    assert {
        "pyproject.toml",
        "relay/__init__.py",
        "verifiers/math.py",
        "tui/__init__.py",
        "scenarios/solo.yaml",
        "relay/zoo/tiny/model.safetensors",
    } <= names


def test_the_top_level_is_as_the_user_fixed_it() -> None:
    fixed = {"pyproject.toml", "relay", "scenarios", "verifiers", "tests", "tui", "README.md"}
    tools = {"Makefile", "LICENSE", "CHANGELOG.md", "constraints.txt", "typings", "docs", ".ci", ".gitignore"}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split("/")[0] for line in listed.splitlines()} <= fixed | tools
