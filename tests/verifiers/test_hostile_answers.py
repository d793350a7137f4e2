"""Answers that would hang, eat or crash a run that trusted them."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from relay.verifiers import SHOWN, Outcome, Question
from relay.verifiers.answer import find
from relay.verifiers.math import LONGEST, MathVerifier, decide
from relay.verifiers.spelling import tidy

SECONDS = 0.6

HANGING = {
    "a tower": r"9^{9^{9^{9}}}",
    "a tower in words of programs": "9^(9^(9^9))",
    "a factorial": "(10^9)!",
    "a sum": r"\sum_{k=1}^{10^9} \frac{1}{k^2+1}",
    "a binomial": r"\binom{10^9}{5\cdot 10^8}",
    "a great power": r"10^{400000000}",
    "nested parentheses": "(" * 1500 + "1" + ")" * 1500,
    "nested powers": "x^{" * 800 + "2" + "}" * 800,
}
ODD = {
    "nested radicals": r"\sqrt{1+" * 60 + "1" + "}" * 60,
    "a tower that is no number": r"\infty^{\infty^\infty}",
    "not a number": "nan",
    "a division by zero": r"\frac{1}{0}",
    "an exponent of a billion": "1e999999999",
    "a long number": "9" * 3999,
    "a number of 10 kB": "9" * 10_000,
    "minus signs": "-" * 300 + "5",
    "control characters": "\x1b[31m5\x00\x07\x08",
    "lone surrogates": "\ud800 5 \udfff",
    "right-to-left": "\u202e5\u202c",
    "program text": "__import__('os').system('kill -9 $PPID')",
    "a matrix": r"\begin{pmatrix}" + "&".join(["1"] * 300) + r"\end{pmatrix}",
    "a comma list": ",".join(map(str, range(900))),
    "braces": "{" * 1000 + "}" * 1000,
    "backslashes": "\\" * 3000,
}


def boxed(answer):
    return Question(rf"\boxed{{{answer}}}", True, r"\sqrt{7}+1")


async def test_every_hostile_answer_gets_a_verdict_in_time_and_none_is_correct():
    verifier = MathVerifier(workers=3, seconds=SECONDS)
    hostile = {**HANGING, **ODD}
    try:
        verdicts = await asyncio.gather(*(verifier.grade(boxed(answer)) for answer in hostile.values()))
    finally:
        await verifier.aclose()
    for name, verdict in zip(hostile, verdicts, strict=True):
        assert verdict.outcome != Outcome.CORRECT, (name, verdict)
        assert verdict.seconds < SECONDS + 2, (name, verdict)
        assert len(verdict.answer) <= SHOWN
        verdict.answer.encode()  # a store can hold it
    whys = {verdict.why for verdict in verdicts if verdict.outcome == Outcome.UNDECIDED}
    assert "took longer than 0.6 s" in whys


async def test_an_answer_that_was_cut_short_is_tried_once_more_at_length():
    verifier = MathVerifier(workers=1, seconds=20)
    verifier._quick._seconds = 0.001
    try:
        verdict = await verifier.grade(Question(r"\boxed{\sqrt{28}}", True, r"2\sqrt{7}"))
        assert verdict.outcome == Outcome.CORRECT
        assert verifier._slow._alive
    finally:
        await verifier.aclose()


async def test_a_hanging_answer_delays_no_other():
    verifier = MathVerifier(workers=2, seconds=1.5)
    easy = [Question(rf"\boxed{{\sqrt{{{n * n * 7}}}}}", True, rf"{n}\sqrt{{7}}") for n in range(2, 12)]
    try:
        await asyncio.gather(*map(verifier.grade, easy))  # both workers have started
        hanging = asyncio.create_task(verifier.grade(boxed(HANGING["a tower"])))
        await asyncio.sleep(0.1)
        started = time.perf_counter()
        verdicts = await asyncio.gather(*map(verifier.grade, easy))
        assert time.perf_counter() - started < 1
        assert {v.outcome for v in verdicts} == {Outcome.CORRECT}
        assert not hanging.done()
        assert (await hanging).outcome == Outcome.UNDECIDED
    finally:
        await verifier.aclose()


async def test_what_looks_slow_takes_no_worker_from_what_does_not():
    verifier = MathVerifier(workers=1, seconds=5)
    try:
        verdict = await verifier.grade(Question(r"\boxed{\int_0^1 2x dx}", True, r"\sqrt{7}+1"))
        assert verdict.outcome == Outcome.WRONG
        assert verifier._slow._alive
        assert not verifier._quick._alive
    finally:
        await verifier.aclose()


async def test_plain_answers_need_no_worker_at_all():
    verifier = MathVerifier()
    started = time.perf_counter()
    for n in range(1000):
        question = Question(f"So it is \\boxed{{{n} \\text{{ dollars}}}}.", True, str(n))
        assert (await verifier.grade(question)).outcome == Outcome.CORRECT
    assert time.perf_counter() - started < 1
    assert not verifier._quick._alive
    assert not verifier._slow._alive
    await verifier.aclose()


async def test_a_worker_killed_while_it_grades_costs_no_verdict():
    verifier = MathVerifier(workers=1, seconds=10)
    slow = Question(r"\boxed{\int_0^1 e^{e^{e^x}} dx}", True, r"\sqrt{7}+1")
    try:
        await verifier.grade(Question(r"\boxed{\int_0^1 x dx}", True, r"2\sqrt{7}"))
        task = asyncio.create_task(verifier.grade(slow))
        await asyncio.sleep(0.2)
        assert verifier._slow._alive
        for worker in verifier._slow._alive:  # the one that grades, and the one that stands by
            os.kill(worker.process.pid, signal.SIGKILL)
        assert (await task).outcome == Outcome.WRONG
    finally:
        await verifier.aclose()


TEXTS = {
    "opening braces": "{" * 100_000,
    "closing braces": "}" * 100_000,
    "boxes that never close": r"\boxed{" * 15_000,
    "boxes in boxes": r"\boxed{" * 10_000 + "}" * 10_000,
    "boxes side by side": r"\boxed{1}," * 10_000,
    "boxes without braces": r"\boxed " * 15_000,
    "backslashes": "\\" * 100_000,
    "dollars": "$" * 100_000,
    "spaces after the answer": "answer" + " " * 100_000 + "x",
    "answers": "the answer is " * 8_000,
    "answers in stars": "answer**" * 12_000,
    "equals signs": "=" * 100_000,
    "digits": "9" * 100_000,
    "commas": "1," * 50_000,
    "minus signs": "-" * 100_000,
    "dots": "1." * 50_000,
    "open formulas": r"\(" * 50_000 + "1",
    "open displays": r"\[ 1 " * 20_000,
    "texts": r"\boxed{" + r"\text{" * 600,
    "a megabyte": "x " * 500_000 + "7",
    "surrogates": "\ud800" * 100_000,
    "zeros": "\x00" * 100_000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_finding_the_answer_takes_linear_time_on_any_text(text):
    started = time.perf_counter()
    answer = find(text)
    if len(answer) <= LONGEST:
        decide("7", tidy(answer))
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    "part", ["{", r"\text{", " 1", "1 a", "a ", r"\frac", "$", "1,", "(", r"\!", "_{", "^", "x = "]
)
def test_deciding_takes_linear_time_on_any_answer(part):
    answer = (part * LONGEST)[:LONGEST]
    started = time.perf_counter()
    decide(r"\frac{1}{2}", tidy(answer))
    decide(r"\text{Evelyn}", tidy(answer))
    assert time.perf_counter() - started < 0.5


def test_importing_the_verifier_imports_no_algebra():
    code = "import sys, relay.verifiers.math; print(sorted({'sympy', 'math_verify', 'mpmath'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    )
