"""What a run is paid with, said in the scenario: tokens by the million, or GPUs by the hour, used or not."""

from typing import Annotated, TypeAlias

from pydantic import Field, model_validator

from relay.language.shapes import Frozen, wrong
from relay.language.verbs import ModelName

Money: TypeAlias = Annotated[float, Field(ge=0)]


class Priced(Frozen):
    """The price of one model."""

    read: Money | None = None  # of a million prompt tokens
    written: Money | None = None  # of a million decoded tokens, thrown away ones too
    gpu_hour: Money | None = None  # of an hour of one GPU
    gpus: Annotated[float, Field(gt=0)] = 1.0  # GPUs that it holds: 0.5 where two models share one

    @model_validator(mode="after")
    def _says_one(self) -> "Priced":
        if self.read is None and self.written is None and self.gpu_hour is None:
            raise wrong("says no price", instead="say 'read' and 'written', or 'gpu_hour'")
        return self

    @property
    def hour(self) -> float | None:
        """Of an hour of all that it holds."""
        return None if self.gpu_hour is None else self.gpu_hour * self.gpus


Prices: TypeAlias = dict[ModelName, Priced]
