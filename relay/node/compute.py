"""The verb `compute`: what stands before an open "=" is worked out, and the result written by no model."""

import re
from asyncio import CancelledError
from collections.abc import AsyncGenerator
from time import perf_counter
from typing import Literal

from relay.events import Tokens
from relay.language.scenario import Node
from relay.node import Act, Desk
from relay.node.arithmetic import LONGEST, Found, find
from relay.node.exact import LONGEST as LONGEST_RESULT
from relay.node.exact import NoFractionError, fitting, is_latex, plain, value, written
from relay.node.expression import NoResultError
from relay.trajectory import Segment, Trajectory, Usage
from relay.verifiers.workers import Pool, WorkError
from relay.walk import StopReason

TOOL = "tool"  # the model of what no model wrote
COMPUTED = "computed"  # why such a segment ends


class Compute(Node):
    """The arithmetic before an open "=" is worked out exactly, and its result written; where there is none, nothing."""

    compute: Literal["="]  # the sign behind which the result is written

    def most_tokens(self) -> int | None:
        """The bytes of a result at most, and the space before it: no tokenizer needs more ids for these."""
        return 3 * LONGEST_RESULT + 1

    def act(self, desk: Desk) -> Act | AsyncGenerator[Tokens | Act, None]:
        """Write the result, at once or, where it takes algebra, when the worker has it."""
        try:
            found = find(_tail(desk.pen.trajectory))
            try:
                return _wrote(desk, found, written(value(found.tree), found))
            except NoFractionError:
                if desk.stage.algebra is None:
                    raise NoResultError("no algebra here") from None
                return _by_algebra(desk, found, desk.stage.algebra)
        except NoResultError as error:
            return _nothing(error)


async def _by_algebra(desk: Desk, found: Found, algebra: Pool) -> AsyncGenerator[Tokens | Act, None]:
    began, deadline = perf_counter(), desk.deadline
    try:
        deadline.arm()
        kind, said = (await algebra.ask(plain(found.tree), is_latex(found))).value
    except WorkError:
        kind, said = "none", "took too much time or memory"
    except CancelledError:
        if not deadline.took():
            raise
        yield Act(rest=StopReason.SECONDS)
        return
    finally:
        deadline.disarm()
    try:
        if kind != "result":
            raise NoResultError(said)
        result = re.sub(r"\*?sqrt\((\d+)\)", r"√\1", said) if "√" in found.text else said
        act = _wrote(desk, found, fitting(result, found))
    except NoResultError as error:
        act = _nothing(error)
    yield act._replace(usage=Usage(seconds=round(perf_counter() - began, 3)))


def _wrote(desk: Desk, found: Found, result: str) -> Act:
    text, tokenizer = found.lead + result, desk.some_tokenizer
    ids = tuple(tokenizer.encode(text))
    if tokenizer.bytes_of(ids) != text.encode():  # this vocabulary cannot spell it: each reader encodes the text
        return Act(Segment(desk.pen.node, TOOL, text, (), "", COMPUTED))
    return Act(Segment(desk.pen.node, TOOL, text, ids, tokenizer.fingerprint, COMPUTED))


def _nothing(why: NoResultError) -> Act:
    return Act(source=f"no result: {why}")


def _tail(trajectory: Trajectory) -> str:
    """As much of the end of what was written as an expression may take, its "=" and what stands before it."""
    parts: list[str] = []
    wanted = 3 * LONGEST
    for segment in trajectory.newest_first():
        parts.append(segment.text[-wanted:])
        wanted -= len(parts[-1])
        if wanted <= 0:
            break
    return "".join(reversed(parts))
