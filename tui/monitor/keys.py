"""The keys at the bottom."""

from textual.app import ComposeResult
from textual.widgets import Footer


class Keys(Footer):
    """Textual's footer, which is made anew at each change of screen or focus, and forgets the one before."""

    # The last key reaches the very edge: one that does not fit would show behind it.
    DEFAULT_CSS = "Keys.-compact FooterKey.-command-palette { margin-right: 0; padding-right: 1; }"

    def compose(self) -> ComposeResult:
        """Let go of the old keys first: as watchers of `compact`, which never changes, they would stay for ever."""
        for watchers in getattr(self, "__watchers", {}).values():
            watchers[:] = [(node, call) for node, call in watchers if not node._closing]
        yield from super().compose()
