"""Graphs of a scenario as types: who may write after whom; and those that stand in others' nodes."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, GetCoreSchemaHandler
from pydantic_core import core_schema as cs

from relay import registry
from relay.language.conditions import AnyCondition
from relay.language.shapes import Frozen, Kind, Name, NodeKey, OneOf, OneOrMore, Text, wrong
from relay.language.sweeps import Let
from relay.language.verbs import ENDS, Node, NodeName, Target, Verbs


def _free(name: str) -> str:
    if name in ENDS or name in registry.names(registry.NODES):
        raise wrong(f"a node cannot be called {name!r}, which means something else", instead="take another name")
    return name


class Edge(Frozen):
    """Where to go, and when. Short: the name of where to go."""

    when: AnyCondition | None = None
    to: Target
    drop: NodeName | None = None  # the thought is cut before this node's last segment


def _straight(name: str) -> Edge:
    return Edge(to=name)


def _settled(edges: tuple[Edge, ...]) -> tuple[Edge, ...]:
    for i, edge in enumerate(edges):
        if edge.when is None and i + 1 < len(edges):
            raise wrong(
                "no edge can follow this one, which always holds", at=(i,), instead="give it a 'when', or move it"
            )
    if edges[-1].when is not None:
        at = (len(edges) - 1, "when")
        raise wrong("the last edge must always hold", at=at, instead="leave out its 'when', or add an edge without one")
    return edges


AnyEdge = Annotated[
    Edge,
    OneOf(
        Kind("<name>", Annotated[Target, AfterValidator(_straight)], of=(str,)),
        Kind("<edge>", Edge, of=(dict,)),
    ),
]
Exits = Annotated[OneOrMore[AnyEdge], AfterValidator(_settled)]


class GraphSpec(Frozen):
    """Who may write after whom."""

    start: NodeName
    answer: OneOrMore[NodeName]  # the only nodes that may close the thinking
    nodes: Annotated[dict[Annotated[NodeKey, AfterValidator(_free)], Annotated[Node, Verbs()]], Field(min_length=1)]
    edges: dict[NodeName, Exits]


class ReadLater:
    """Annotates a type that is read later: anything passes, and editors know what should stand there."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> cs.CoreSchema:
        later = handler(source)
        return cs.any_schema(metadata={"pydantic_js_functions": [lambda _, said: said(later)]})


class Used(Frozen):
    """A graph that a node can use."""

    let: Let = Field({})  # values by name, where `with` gives none
    start: Text
    answer: OneOrMore[Text] | None = None  # the nodes that may close the thinking, where what uses it may
    nodes: Annotated[dict[Name, Annotated[Node, Verbs(), ReadLater()]], Field(min_length=1)]
    edges: dict[Name, Annotated[Exits, ReadLater()]]
