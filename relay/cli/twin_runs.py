"""relay twin at work: one run after another, what leaves nothing to run said, and the cards at the end."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relay.cli.driving import drive, tell
from relay.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.session import Options, Outcome
    from relay.twin.plan import Part

    Empty = list[tuple[Part, str]]  # tests for which no problem was right, and why


def run_all(
    parts: "Iterable[tuple[Part, bool]]", folder: Path, options: "Options", again: str, *, as_json: bool
) -> bool:
    """Run each part, or go on with one that was begun, and write the cards; whether anything failed or was empty.

    Raises UserError where no part has a problem to run on.
    """
    from relay.prepare.selection import NoneFitsError
    from relay.tui.safe import visible

    failed, run = 0, list["Part"]()
    empty: list[tuple[Part, NoneFitsError]] = []
    for part, begun in parts:
        try:
            failed += _run(part, folder, begun, options, again, as_json=as_json).failed
            run.append(part)
        except NoneFitsError as error:  # a weak model, or a guide that solves nothing: the others can be tested
            empty.append((part, error))
    if not run:
        raise UserError.of(dict.fromkeys(mistake for _, error in empty for mistake in error.mistakes))
    for part, why in empty:
        print(visible(f"{part.file}: nothing was run: {why}"), file=sys.stderr)
    _write_cards(run, [(part, str(why)) for part, why in empty], folder, as_json=as_json)
    return bool(failed or empty)


def _run(part: "Part", folder: Path, begun: bool, options: "Options", again: str, *, as_json: bool) -> "Outcome":
    """One run, new or gone on with, and its table."""
    from relay.session import resume, start

    path = folder / part.file  # that an earlier run is there is enough to go on from
    if begun:
        outcome = drive(lambda shown: resume(path, options, shown), folder, again, as_json=as_json)
    else:
        outcome = drive(lambda shown: start(part.reading, path, options, shown), folder, again, as_json=as_json)
    if part.guide:
        _find_spoilers(path, options, again, as_json=as_json)
    tell(outcome, as_json=as_json)
    return outcome


def _find_spoilers(path: Path, options: "Options", again: str, *, as_json: bool) -> None:
    """Look for steers that state the answer, where the verifier can tell and nobody has looked yet."""
    from relay.measure.spoiled import looked
    from relay.spoilers import find_spoilers, finder
    from relay.store.opening import opened

    with opened(path) as run:
        look = looked(run)
    if look.looked_at == look.steers:
        return
    try:
        finder(path)
    except UserError:  # its verifier cannot tell: the report says that nobody has looked
        return
    drive(lambda shown: find_spoilers(path, shown, sandbox=options.sandbox), path, again, as_json=as_json)


def _write_cards(parts: "Sequence[Part]", empty: "Empty", folder: Path, *, as_json: bool) -> None:
    """A card for each model that has a run: what machines read, and a page."""
    from json import dumps

    from relay.cli.guides import print_guides
    from relay.tui.safe import visible
    from relay.twin.card import card
    from relay.twin.page import page
    from relay.twin.plan import GUIDABILITY, slug

    if not as_json:
        print_guides([folder / part.file for part in parts if part.test == GUIDABILITY])
    for model in dict.fromkeys(part.model for part in parts):
        made: dict[str, Any] = card(model, parts, folder, empty)
        stem = folder / f"card-{slug(model)}"
        stem.with_name(f"{stem.name}.json").write_text(dumps(made, indent=1) + "\n")
        stem.with_name(f"{stem.name}.md").write_text(page(made), "utf-8")
        if as_json:
            print(dumps({"event": "card", **made}))
        else:
            print(visible(f"card: {stem}.md"), flush=True)
