"""The one place that calls `datasets`: rows of a repository of the hub's, or of a folder or file laid out as one."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from relay.errors import Mistake, UserError

KINDS = {".jsonl": "json", ".jsonl.gz": "json", ".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet"}
_NEEDS = "problem sets of the hub need the extra [sets]: pip install 'relay-cot[sets]'"
_GATED = "accept its conditions on the hub and log in there, or give a folder or file of the same columns: `path:`"
_OFFLINE = "without a network, give a folder or file of the same columns: `path:`"


class Asked(NamedTuple):
    """What is asked for: a set's place on the hub."""

    name: str  # as the user knows it
    repo: str
    config: str | None
    split: str | None  # the usual one; None: the only one
    columns: tuple[str, ...]  # that must be there


class Rows(NamedTuple):
    """The rows of one split."""

    rows: Iterable[Mapping[str, Any]]
    place: str  # for mistakes: the file or folder, or the repository and its split
    split: str
    split_is_usual: bool  # nobody asked for another


def rows_of(asked: Asked, path: Path | None = None, split: str | None = None) -> Rows:
    """The rows, from the hub or from `path`. Raises UserError."""
    where = "problems.from" if path is None else "problems.path"
    if path is not None and path.is_file() and split is not None:
        raise UserError(Mistake("problems.split", f"{path.name!r} is one file and has no splits", "leave it out"))
    splits = _splits(asked, path, where)
    taken = split or asked.split
    if taken not in splits and split is None and len(splits) == 1:
        taken = next(iter(splits))  # a file has one split, whatever the hub calls it
    if taken is None or taken not in splits:
        near = get_close_matches(taken or "", splits, 1)
        what = f"{asked.name!r} has no split {taken!r}" if taken else f"{asked.name!r} has several splits"
        instead = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(splits)}"
        raise UserError(Mistake("problems.split", what, instead))
    rows = splits[taken]
    missing = [column for column in asked.columns if column not in rows.column_names]
    if missing:
        lacks, has = ", ".join(map(repr, missing)), ", ".join(map(repr, rows.column_names))
        what = f"{asked.name!r} has no column {lacks}; it has {has}"
        raise UserError(Mistake(where, what, "give it the columns of the hub's, or read it with `from:` and `fields:`"))
    return Rows(rows, f"{asked.repo} {taken}" if path is None else str(path), taken, split in (None, asked.split))


def _splits(asked: Asked, path: Path | None, where: str) -> Mapping[str, Any]:
    """The splits by name."""
    try:
        import datasets
    except ImportError:
        raise UserError(_NEEDS) from None
    place = f"{asked.repo} on the hub" if path is None else str(path)
    try:
        with _quiet(datasets):
            splits: Mapping[str, Any] = datasets.load_dataset(**_arguments(datasets, asked, path))
    except UserError:
        raise
    except Exception as error:  # the library, its readers and the network raise anything
        cause = error.__cause__ if type(error).__name__ == "DatasetGenerationError" and error.__cause__ else error
        why = " ".join(str(cause).split())
        what = f"{asked.name!r} cannot be read from {place}: {type(cause).__name__}: {why[:200]}"
        mend = _GATED if "gated" in why.lower() else _OFFLINE
        raise UserError(Mistake(where, what, mend if path is None else "mend it, or take another")) from None
    return splits


def _arguments(datasets: Any, asked: Asked, path: Path | None) -> dict[str, Any]:
    """What `load_dataset` is called with."""
    if path is None:
        return {"path": asked.repo, "name": asked.config}
    if path.is_file():
        kind = next((kind for end, kind in KINDS.items() if path.name.endswith(end)), None)
        if kind is None:
            raise UserError(Mistake(str(path), f"ends in none of {', '.join(KINDS)}", "convert it"))
        return {"path": kind, "data_files": str(path)}
    configs = datasets.get_dataset_config_names(str(path))
    name = asked.config if asked.config in configs or len(configs) > 1 else None
    return {"path": str(path), "name": name}


@contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """Without the library's bars and the words of the hub's client about each new try."""
    client = logging.getLogger("huggingface_hub")
    level, bars = client.level, datasets.is_progress_bar_enabled()
    client.setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        client.setLevel(level)
        if bars:
            datasets.enable_progress_bars()
