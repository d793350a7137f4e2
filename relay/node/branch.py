"""The verb `branch`: several pens start at one node, each with what was written so far."""

from collections.abc import Iterable

from relay.language.scenario import Entered, ModelName, Node
from relay.language.shapes import Count, OneOrMore
from relay.node import Act, Desk
from relay.walk import Extra


class Branch(Node):
    """So many pens start at this node; the edge is taken when all of them rest, and leads to a pick."""

    branch: Entered
    times: Count | None = None  # pens; None: one for each model in `over`, else 2
    over: OneOrMore[ModelName] | None = None  # who writes at that node instead of its own: dealt out, pen by pen

    def models(self) -> Iterable[str]:
        """Those that are dealt out."""
        return self.over or ()

    def starts(self) -> str:
        """Where they start."""
        return self.branch

    def act(self, desk: Desk) -> Act:
        """Start the pens."""
        over = self.over or ()
        return Act(branches=self.times or len(over) or 2, starts=self.branch, extra=Extra(over=over) if over else None)
