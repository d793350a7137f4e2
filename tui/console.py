"""Where tables and traces are printed: text is text there, never markup, and a closed pipe is said once."""

import os

from rich.console import Console

WIDE = 120  # columns of what goes into a file or a pipe


class Plain(Console):
    """A console for words that others wrote: no markup, no emoji codes, no colouring of numbers."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)
        if not self.is_terminal and "COLUMNS" not in os.environ:
            self.width = WIDE

    def on_broken_pipe(self) -> None:
        """Leave it to the command line, as for every other print."""
        raise BrokenPipeError
