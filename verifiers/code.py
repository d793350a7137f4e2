"""The verifier `code`: programs that models wrote, run against their tests, and values that they predict."""

from typing import Literal, NamedTuple

from relay.problems import Problem
from relay.verifiers import Outcome, Question, Verdict, shown, storable
from relay.verifiers.programs import head_of, program_of
from relay.verifiers.sandbox import Sandbox
from relay.verifiers.stated import value_of, values_in
from relay.verifiers.trials import Finding, TrialError, Trials

Form = Literal["function", "output", "input"]


class Tests(NamedTuple):
    """What a problem holds for its answers to be run: one of three forms."""

    form: Form
    entry: str
    code: str  # its prompt: the head of the function, or the function whose value is predicted
    tests: str = ""  # a program that calls the function
    output: str = ""  # the value that is predicted, or for which arguments are


def tests_of(problem: Problem | None) -> Tests | None:
    """The tests that come with this problem; None where there are none."""
    if problem is None:
        return None
    row = {k: v for k, v in problem.extra.items() if isinstance(v, str)}
    form = row.get("form", "function")
    entry, code = row.get("entry_point", ""), row.get("prompt", "")
    if form == "function" and entry and row.get("tests", "").strip():
        return Tests("function", entry, code, tests=row["tests"])
    if form in ("output", "input") and code and row.get("output", "").strip():
        return Tests("output" if form == "output" else "input", entry or "f", code, output=row["output"])
    return None


class CodeVerifier:
    """Runs the program, or evaluates the value, that an answer gives. What a program says of itself counts nothing."""

    def __init__(self, sandbox: Sandbox, *, seconds: float = 10.0, memory: int = 1 << 30, workers: int = 0) -> None:
        """`seconds` and `memory` (bytes) are what each answer may take."""
        self._trials = Trials(sandbox, seconds=seconds, memory=memory, workers=workers)

    async def grade(self, question: Question) -> Verdict:
        """The verdict on this answer."""
        if not question.finished:
            return Verdict(Outcome.WRONG, "", "unfinished", 0.0)
        tests = tests_of(question.problem)
        if tests is None:
            return Verdict(Outcome.UNDECIDED, "", "the problem comes with no tests", 0.0)
        if tests.form == "function":
            answer = program_of(question.text, tests.entry, tests.code)
        else:
            answer = value_of(question.text, tests.entry, asks=tests.form)
        if not answer.strip():
            nothing = f"no program that defines {tests.entry!r}" if tests.form == "function" else "no value"
            return Verdict(Outcome.WRONG, "", f"{nothing} was found in the answer", 0.0)
        try:
            found = await self._found(tests, storable(answer))
        except TrialError as error:
            return Verdict(Outcome.UNDECIDED, shown(answer), str(error), 0.0)
        return Verdict(Outcome(found.outcome), shown(answer), storable(found.why), found.seconds)

    async def states(self, question: Question) -> Verdict:
        """Whether this text, a steer, states what is asked for: a program that passes, or the value or arguments."""
        tests = tests_of(question.problem)
        if tests is None or tests.form == "function":
            return await self.grade(question)
        stated, found = values_in(question.text), None
        for value in stated[::-1]:
            try:
                found = await self._found(tests, storable(value))
            except TrialError as error:
                return Verdict(Outcome.UNDECIDED, shown(value), str(error), 0.0)
            if found.outcome == "correct":
                return Verdict(Outcome.CORRECT, shown(value), f"it states this: {storable(found.why)}", found.seconds)
        return Verdict(Outcome.WRONG, "", f"none of {len(stated)} values that it states", 0.0)

    async def _found(self, tests: Tests, answer: str) -> Finding:
        if tests.form == "function":
            head = head_of(tests.code, tests.entry)
            return await self._trials.find(
                form="function", head=head, program=answer, entry=tests.entry, tests=tests.tests
            )
        if tests.form == "output":
            return await self._trials.find(form="output", program=answer, entry=tests.entry, output=tests.output)
        stated = await self._trials.find(form="arguments", program=answer, entry=tests.entry)
        if stated.outcome != "arguments":
            return stated
        given = {"arguments": stated.why, "code": tests.code, "entry": tests.entry, "output": tests.output}
        found = await self._trials.find(form="call", **given)
        return found._replace(seconds=found.seconds + stated.seconds)

    async def aclose(self) -> None:
        """End every process."""
        await self._trials.aclose()
