"""The verb `leave`: where a graph that is used has come to its end, and the edges of what used it are tried."""

from relay.language.scenario import Node
from relay.language.shapes import Text
from relay.node import NOTHING, Act, Desk


class Leave(Node):
    """Nothing is done here. `use` becomes this, behind all nodes of the graph that it names."""

    leave: Text  # the graph that ended

    def leaves(self) -> bool:
        """It does."""
        return True

    def most_tokens(self) -> int:
        """None are written."""
        return 0

    def act(self, desk: Desk) -> Act:
        """Pass by."""
        return NOTHING
