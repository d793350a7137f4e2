"""A screen of the monitor as an SVG picture, drawn without a terminal."""

from pathlib import Path

from textual.pilot import Pilot

from relay.tui.monitor.app import Monitor

PATIENCE = 600  # tries, a twentieth of a second apart


async def picture(path: Path, rollout: int | None, size: tuple[int, int]) -> str:
    """The first screen, or that of a rollout, once all of it has been read. Raises UserError where it cannot be."""
    app = Monitor(path, rollout)
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        if app.lost is not None:
            raise app.lost
        return app.export_screenshot(title=f"relay watch {path.name}")


async def settled(app: Monitor, pilot: Pilot[None]) -> None:
    """Wait until the file has been read and nothing more is being read."""
    for _ in range(PATIENCE):
        await pilot.pause(0.05)
        others = [w for w in app.workers if not w.is_finished and w.name != "_poll"]
        if app.lost is not None:
            break
        if app.seen is not None and not app.seen.behind and not others:
            break
    await pilot.pause()
