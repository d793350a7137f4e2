"""The verb `ask`: a person writes the segment, or chooses a label."""

from collections.abc import AsyncGenerator, Mapping
from functools import cached_property
from time import perf_counter
from typing import Annotated

from pydantic import Field, model_validator

from relay.events import Tokens
from relay.language.scenario import Node
from relay.language.shapes import Count, Text, wrong
from relay.node import NOTHING, Act, Desk
from relay.node.by_hand import RefusedError, written
from relay.node.labels import Labels, worth_of
from relay.node.people import Question
from relay.seam.cuts import closes
from relay.store.asking import Asked
from relay.trajectory import ANSWERED, Usage
from relay.walk import ANSWER, Extra

WAIT = 600.0  # seconds that it waits for a person, where nothing else is said


class Ask(Node):
    """A person is asked, in the monitor; where nobody answers in time, what stands in `otherwise` holds."""

    ask: Text  # the question
    labels: Labels | None = None  # what may be chosen; without it a text is to be written, which joins the thought
    wait: Annotated[float, Field(ge=0)] = WAIT  # seconds, of real time; the rollout's own stand still meanwhile
    otherwise: str | None = None  # the label or text when nobody answers; None: no label, nothing written

    @model_validator(mode="after")
    def _known(self) -> "Ask":
        if self.labels is not None and self.otherwise is not None and self.otherwise not in self.worth:
            raise wrong(f"{self.otherwise!r} is none of the labels", list(self.worth), at=("otherwise",))
        if self.otherwise is not None and closes(self.otherwise):
            raise wrong("a person's text closes no thinking", at=("otherwise",), instead="leave it open")
        return self

    @cached_property
    def worth(self) -> Mapping[str, float | None]:
        """What each label is worth; None: nothing."""
        return worth_of(self.labels)

    def rules(self) -> bool:
        """With labels, it does."""
        return self.labels is not None

    def may_say(self) -> tuple[str, ...]:
        """Its labels."""
        return tuple(self.worth)

    def writes_anew(self) -> bool:
        """A person may write something else."""
        return self.labels is None

    def asks(self) -> bool:
        """It does."""
        return True

    def most_tokens(self) -> Count | None:
        """None with labels; a person's text has no limit but the budget's."""
        return 0 if self.labels is not None else None

    def act(self, desk: Desk) -> Act | AsyncGenerator[Tokens | Act, None]:
        """Ask and wait; where nobody can answer, such as in a forecast, what stands in `otherwise` holds at once."""
        return self._wait(desk) if desk.stage.people is not None else self._act(desk, self.otherwise, "nobody is there")

    async def _wait(self, desk: Desk) -> AsyncGenerator[Tokens | Act, None]:
        people, pen, began = desk.stage.people, desk.pen, perf_counter()
        assert people is not None  # or nobody would wait
        question = Question(desk.stage.rollout, pen.path, pen.node, desk.visit, tuple(self.worth))
        desk.deadline.hold()
        try:
            yield Tokens(pen.path, pen.node, desk.visit, 0, self.ask)  # a monitor sees from this that it is asked
            while True:
                with desk.waiting():
                    asked = await people.answer(question, max(0.0, self.wait - (perf_counter() - began)))
                try:
                    act = self._act(desk, *self._said(asked))
                    break
                except RefusedError as error:
                    assert asked is not None  # what the scenario says was tried when it was read
                    people.refuse(asked, str(error))
        finally:
            desk.deadline.go_on()
        yield act

    def _said(self, asked: Asked | None) -> tuple[str | None, str]:
        """The answer, and where it came from."""
        if asked is None:
            return self.otherwise, f"nobody answered within {self.wait:g} s"
        return asked.data["label" if self.labels is not None else "text"], f"{ANSWER} {asked.id}"

    def _act(self, desk: Desk, said: str | None, source: str) -> Act:
        if self.labels is not None:
            extra = Extra(said, self.worth[said]) if said is not None else None
            return Act(source=source, extra=extra)
        if not said:
            return NOTHING._replace(source=source)
        return Act(written(desk.pen.node, said, desk.pen, desk.stage, ANSWERED), Usage(), source=source)
