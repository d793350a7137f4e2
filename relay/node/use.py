"""The verb `use`: a node that stands for a graph, which takes its place when the scenario is read."""

from typing import Any

from pydantic import Field

from relay.language.scenario import Node
from relay.language.shapes import Text
from relay.language.sweeps import Variable
from relay.node import Act, Desk


class Use(Node):
    """The graph of this name among the scenario's `graphs:`, or that of another scenario file."""

    use: Text
    with_: dict[Variable, Any] = Field({}, alias="with")  # values for "{name}" in that graph

    def act(self, desk: Desk) -> Act:
        """Never: no graph that can be walked has such a node."""
        raise AssertionError(f"the graph {self.use!r} was not put in its place")
