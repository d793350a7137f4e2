"""What is graded is what models wrote themselves, behind all that was put in."""

import pytest

from relay.node.answered import Answer, answer_of
from relay.trajectory import Segment, Trajectory


@pytest.mark.parametrize("stop", ["steer", "inserted", "edited", "answered"])
@pytest.mark.parametrize("how", [{"thinks": False}, {"thinks": True, "unfinished": "graded"}])
def test_what_was_put_in_is_no_answer_and_neither_is_what_stands_before(how: dict[str, object], stop: str) -> None:
    thought = Trajectory()
    for text, why in (("It is 3.", "turn"), (" No, 4.", stop), (" So", "sentences"), (" 5.", "turn")):
        thought = thought.add(Segment("n", "m", text, (), "", why))
    assert answer_of(thought, **how) == Answer(" So 5.", True)  # type: ignore[arg-type]
