"""Who may import whom: the house's laws, read off the sources and off a fresh process."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "relay": ROOT / "relay",
    "relay.verifiers": ROOT / "verifiers",
    "relay.tui": ROOT / "tui",
    "relay.scenarios": ROOT / "scenarios",
}

# Lowest first. A module may import its own layer and those below it.
LAYERS = [
    (
        "values",
        [
            "errors",
            "trajectory",
            "sentences",
            "walk",
            "folding",
            "became",
            "events",
            "problems",
            "draws",
            "clock",
            "deadline",
            "registry",
            "families",
            "zoo",
        ],
    ),
    ("studies", ["simulate"]),
    ("language", ["language", "scenarios"]),
    ("seam", ["seam"]),
    ("engines", ["engine"]),
    ("lasting", ["store", "pool", "verifiers", "keeping"]),
    ("nodes", ["node"]),
    ("estimates", ["measure"]),  # below the loop, which goes on until they are narrow enough
    (
        "loop",
        [
            "ahead",
            "races",
            "side_by_side",
            "taking_part",
            "runtime",
            "grading",
            "batch",
            "prepare",
            "recorder",
            "forks",
            "rounds",
            "sets",
            "ending",
            "session",
        ],
    ),
    ("science", ["afterwards", "credit", "distance", "planning", "regrade", "replay", "spoilers", "train", "twin"]),
    ("terminal", ["tui"]),
    ("results", ["exports", "frames", "reports"]),
    ("cli", ["cli"]),
    ("python", ["notebook"]),
]
ASKED_FOR = "relay.tui.monitor"  # a Textual application: `relay watch` imports it, and nothing else does
RANK = {room: number for number, (_, rooms) in enumerate(LAYERS) for room in rooms}
HEAVY = (
    "torch", "vllm", "transformers", "sympy", "networkx", "ray", "textual", "math_verify", "scipy", "pyarrow",
    "datasets", "pandas", "reasoning_gym", "matplotlib", "numpy", "statsmodels",
)  # fmt: skip


def modules() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for package, folder in FOLDERS.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join((package, *parts)).removesuffix(".__init__")] = path
    return found


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imports(path: Path, *, at_import_time: bool) -> set[str]:
    """The relay modules and other packages that a file imports; at import time only, or anywhere but for types."""
    tree = ast.parse(path.read_text())
    found: set[str] = set()

    def visit(node: ast.AST, inside: bool) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if inside and at_import_time:
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
        for child in ast.iter_child_nodes(node):
            visit(child, inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    visit(tree, False)
    return found


def test_every_module_has_a_room_in_the_house() -> None:
    homeless = [m for m in modules() if room(m) and room(m) not in RANK]
    assert homeless == []


@pytest.mark.parametrize("module", [m for m in modules() if room(m)])
def test_a_module_imports_its_own_layer_and_those_below(module: str) -> None:
    mine = RANK[room(module)]
    others = {m for m in imports(modules()[module], at_import_time=False) if m.startswith("relay.")}
    above = sorted(m for m in others if RANK.get(room(m), 0) > mine)
    assert above == [], f"{module} ({LAYERS[mine][0]}) imports from above"


def test_the_values_need_nothing_but_python() -> None:
    for module, path in modules().items():
        if room(module) in LAYERS[0][1]:
            for name in imports(path, at_import_time=False):
                assert name.split(".")[0] in {*sys.stdlib_module_names, "relay"}, f"{module} imports {name}"


def test_the_terminal_reads_events_and_the_file_never_the_loop_or_an_engine() -> None:
    for module, path in modules().items():
        if room(module) == "tui":
            for name in imports(path, at_import_time=False):
                assert room(name) not in ("runtime", "batch", "session", "engine", "prepare"), (
                    f"{module} imports {name}"
                )


@pytest.mark.parametrize("module", list(modules()))
def test_heavy_libraries_are_imported_where_they_are_used(module: str) -> None:
    for name in imports(modules()[module], at_import_time=True):
        if name.split(".")[0] == "textual":
            assert module.startswith(ASKED_FOR), f"{module} imports {name} at import time"
        else:
            assert name.split(".")[0] not in HEAVY, f"{module} imports {name} at import time"


def test_the_monitor_is_imported_by_itself_alone() -> None:
    for module, path in modules().items():
        if not module.startswith(ASKED_FOR):
            for name in imports(path, at_import_time=True):
                assert not name.startswith(ASKED_FOR), f"{module} imports {name} at import time"


def loaded_by(code: str) -> set[str]:
    said = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(json.loads(said.stdout.splitlines()[-1]))


def test_importing_all_of_relay_loads_nothing_heavy() -> None:
    everything = "; ".join(f"import {m}" for m in modules() if not m.startswith(ASKED_FOR))
    assert not loaded_by(everything) & set(HEAVY)


def test_the_command_line_s_help_loads_neither_pydantic_nor_yaml_nor_rich() -> None:
    loaded = loaded_by("from relay.cli import build; build()")
    assert not loaded & {*HEAVY, "pydantic", "yaml", "rich", "sqlite3", "jinja2", "tokenizers"}


def test_modules_and_functions_are_of_a_size_to_live_in() -> None:
    large = {m: n for m, p in modules().items() if (n := len(p.read_text().splitlines())) > 300}
    assert large == {}
    for module, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 60, f"{module}:{node.lineno} {node.name}"
