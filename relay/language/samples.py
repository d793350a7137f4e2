"""How many continuations of each problem and cell there are: a number, or as many as it takes."""

from typing import Annotated, TypeAlias

from pydantic import Field

from relay.language.shapes import Count, Frozen, Kind, OneOf


class Adaptive(Frozen):
    """As many continuations as it takes: new problems before new samples, in rounds, by the widths of intervals."""

    adaptive: Annotated[float, Field(gt=0, lt=1)]  # every cell's 95 % interval is to be at most so wide
    at_most: Count = 1  # continuations of a problem in a cell
    batch: Count = 40  # new problems of a cell in a round, at most


Samples: TypeAlias = Annotated[
    int | Adaptive,
    OneOf(Kind("<number>", Count, of=(int,)), Kind("<adaptive>", Adaptive, "adaptive")),
]
