"""What `relay watch` and `relay run --watch` refuse, in words and before anything is shown."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Relay


@pytest.fixture
def made(relay: Relay) -> str:
    assert relay("run", "s.yaml", "-o", "s.relay").code == 0
    return "s.relay"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["watch", "none.relay"], "no such run file"),
        (["watch", "s.relay"], "needs a terminal"),
        (["watch", "s.relay", "99"], "no rollout 99"),
        (["watch", "s.relay", "--speed", "2"], "say which"),
        (["watch", "s.relay", "--picture", "a.svg", "--size", "1x1"], "no size"),
        (["watch", "s.relay", "--picture", "none/a.svg"], "cannot be written"),
        (["run", "s.yaml", "--watch", "--json"], "takes no --dry and no --json"),
        (["run", "s.yaml", "--watch", "--dry"], "takes no --dry and no --json"),
        (["run", "s.yaml", "--watch"], "needs a terminal"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    made: str, args: list[str], words: str, relay: Relay, folder: Path
) -> None:
    before = sorted(folder.rglob("*"))
    said = relay(*args)
    assert (said.code, said.out) == (2, "")
    assert words in said.err
    assert said.err.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


def test_a_damaged_run_is_no_picture(made: str, relay: Relay, folder: Path) -> None:
    """The page at which the steps begin is zeros, as after a bad copy."""
    path = folder / made
    with closing(sqlite3.connect(path)) as db:
        (size,), (page,) = db.execute(
            "SELECT page_size FROM pragma_page_size UNION ALL SELECT rootpage FROM sqlite_master WHERE name = 'step'"
        )
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(bytes(size))
    said = relay("watch", made, "--picture", "a.svg")
    assert (said.code, said.out) == (2, "")
    assert "cannot be read" in said.err
    assert not (folder / "a.svg").exists()


def test_a_picture_is_an_svg_of_the_screen(made: str, relay: Relay, folder: Path) -> None:
    said = relay("watch", made, "0", "--picture", "thought.svg", "--size", "90x20")
    assert (said.code, said.out.strip()) == (0, "thought.svg")
    drawn = (folder / "thought.svg").read_text()
    assert drawn.startswith("<svg")
    assert "let&#160;me&#160;see" in drawn
