"""relay report --json of supervised runs: one JSON object for each cell, one for each kind of steer."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relay.measure.safety import Share
    from relay.store.reader import Run


def print_safety_json(run: "Run") -> None:
    """Watchers as detectors, and unsafe steers."""
    from json import dumps

    from relay.measure.safety import safety, walk_aways, watched

    read = watched(run)
    for row in safety(run, read):
        told = {"harmful": _share(row.harmful), "alarms": _share(row.alarms), "right": _share(row.right)}
        kept = row.kept._asdict() if row.kept else None
        print(dumps({"run": str(run.path), "supervised": True, **row._asdict(), **told, "kept": kept}))
    for steer in walk_aways(run, read):
        told = {"along": _share(steer.along), "away": _share(steer.away)}
        print(dumps({"run": str(run.path), "steered": True, **steer._asdict(), **told}))


def _share(of: "Share") -> dict[str, Any]:
    return {**of._asdict(), "interval": of.interval._asdict() if of.interval else None}
