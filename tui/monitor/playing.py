"""A replay: a story's blocks grow again as they grew, faster or slower."""

from collections.abc import Sequence

from relay.tui.monitor.story import Block


class Playing:
    """Where a replay stands."""

    def __init__(self, blocks: Sequence[Block], speed: float) -> None:
        self._blocks = list(blocks)
        self.speed = speed
        self.at = 0.0  # seconds of the run
        self.paused = False

    @property
    def length(self) -> float:
        """Seconds in all."""
        return sum(block.seconds for block in self._blocks)

    @property
    def over(self) -> bool:
        """Whether all has been shown."""
        return self.at >= self.length

    @property
    def said(self) -> str:
        """In words."""
        sign = "‖" if self.paused else "▶"
        return f"{sign} replay {min(self.at, self.length):.1f} of {self.length:.1f} s, {self.speed:g} times as fast"

    def pass_by(self, seconds: float) -> None:
        """So much time has passed."""
        self.at += seconds * self.speed

    def shown(self) -> list[Block]:
        """The blocks that are there by now, the last of them in part."""
        found, left = [], self.at
        for block in self._blocks:
            if left < block.seconds:
                seen = int(len(block.text) * left / block.seconds)
                found.append(block._replace(text=block.text[:seen], margin=block.margin[:1], open=True))
                break
            found.append(block)
            left -= block.seconds
        return found
