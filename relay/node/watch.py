"""The verb `watch`: a supervisor reads what others write while they write it, and its edge acts when it trips."""

from typing import Annotated

from pydantic import model_validator

from relay.language.amounts import PARAGRAPHS, SENTENCES, TOKENS, Amount, Paragraphs, Sentences, Tokens
from relay.language.conditions import AnyCondition
from relay.language.scenario import Node, NodeName
from relay.language.shapes import OneOf, OneOrMore, wrong
from relay.language.watching import Watches
from relay.node import NOTHING, Act, Desk


class Watch(Node):
    """Reads every live visit of these nodes. Where it trips the writer is stopped, and the pen comes here."""

    watch: OneOrMore[NodeName]
    every: Annotated[Sentences | Tokens | Paragraphs, OneOf(SENTENCES, TOKENS, PARAGRAPHS)] = Sentences(sentences=1)
    trip: OneOrMore[AnyCondition]  # any of these, of what has been written so far
    hold: bool = True  # nothing is settled that it has not passed
    back: Amount | None = None  # before the place where it tripped; None: to the last place that it passed

    @model_validator(mode="after")
    def _nothing_settled_goes_back(self) -> "Watch":
        if self.back is not None and not self.hold:
            what = "with 'hold: false' what it reads is settled, and is not taken back"
            raise wrong(what, at=("back",), instead="leave it out, or hold")
        return self

    def watches(self) -> Watches:
        """It does."""
        return Watches(self.watch, self.every, self.trip, self.hold, self.back)

    def rules(self) -> bool:
        """Its label is what tripped it, its score how many tokens late."""
        return True

    def act(self, desk: Desk) -> Act:
        """Nothing more: what it says was said with the trip."""
        return NOTHING
