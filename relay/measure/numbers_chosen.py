"""What a report says of how many rollouts there are, where the run chose it by the widths of intervals."""

from relay.store.reader import Run


def chosen(run: Run) -> str:
    """A sentence; empty where their number was said before the run."""
    samples, rounds = run.meta["scenario"].get("samples"), len(run.meta.get("rounds") or ())
    if not isinstance(samples, dict):
        return ""
    how = f"in {rounds} rounds" if rounds != 1 else "in one round"
    return (
        f"How many rollouts there are was chosen by the widths of these intervals, {how}, until each was at most "
        f"{100 * samples['adaptive']:g} points wide or had all that was allowed; never by what came out. "
    )
