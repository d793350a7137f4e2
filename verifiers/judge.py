"""The verifier `judge`: a model reads an answer and says CORRECT or WRONG.

What it reads of the answer is encoded as plain text, so that no tag in it opens a turn, and stands between two lines
with a number that its writer could not know. Of the judge's own text only the first word after its thinking counts.
"""

import asyncio
import hashlib
import re
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

from relay.draws import seed_of
from relay.engine import Engine, Purpose, Request, Sampling
from relay.errors import EngineError, RelayError
from relay.problems import Problem
from relay.seam.cuts import Cut, Settled
from relay.trajectory import Usage
from relay.verifiers import Outcome, Question, Reply, Verdict, shown

if TYPE_CHECKING:
    from relay.verifiers.kinds import Judge

NODE = "(judge)"  # no node of a scenario can bear this name: a judge shares no draw with a run's writers
LONGEST = 20_000  # characters of an answer that it reads, the last ones
_FIELD = re.compile(r"\{(question|reference|answer)\}")
_MARK = re.compile("\ue000(question|reference|answer)\ue001")
_VERDICT = re.compile(
    r"[\s*_#>`\"'(\[]*(?:(?:final\s+)?verdict\s*[:=]?[\s*_`\"'(\[]*)?(correct|wrong|incorrect)(?![\w-])"
    r"[*_`\"')\]]*\s*(?=$|[.,:;!–—\n-])",
    re.IGNORECASE,
)
_WORDS = re.compile(r"\b(correct|wrong|incorrect)\b", re.IGNORECASE)


class _Heard(NamedTuple):
    """What came of one call."""

    settled: Settled
    usage: Usage
    thinks: bool


class JudgeVerifier:
    """Asks one model about each answer. Without a clear verdict of its own the answer is undecided."""

    def __init__(self, kind: "Judge", engine: Engine, seed: int = 0) -> None:
        self._kind = kind
        self._engine = engine
        self._seed = seed
        self._frame = _FIELD.sub("\ue000\\1\ue001", kind.prompt)

    async def grade(self, question: Question) -> Verdict:
        """The verdict on this answer; unfinished or empty ones are wrong unasked."""
        if not question.finished:
            return Verdict(Outcome.WRONG, "", "unfinished", 0.0)
        if not question.text.strip():
            return Verdict(Outcome.WRONG, "", "no answer found", 0.0)
        if not question.reference.strip() and "{reference}" in self._kind.prompt:
            return Verdict(Outcome.UNDECIDED, "", "there is no reference", 0.0)
        started, answer = time.perf_counter(), shown(question.text.strip()[-200:])
        try:
            async with asyncio.timeout(self._kind.seconds):
                heard = await self._ask(question)
        except TimeoutError:
            why = f"the judge took longer than {self._kind.seconds:g} s"
            return Verdict(Outcome.UNDECIDED, answer, why, time.perf_counter() - started)
        except RelayError as error:
            why = f"the judge failed: {error}"
            return Verdict(Outcome.UNDECIDED, answer, why, time.perf_counter() - started)
        outcome, why = _read(heard)
        s, usage = heard.settled, heard.usage
        decoded = len(s.ids) - s.recoded
        reply = Reply(self._kind.judge, s.text, usage.computed, usage.cached, decoded, s.thrown)
        return Verdict(outcome, answer, why, time.perf_counter() - started, reply)

    async def aclose(self) -> None:
        """The engine is the run's."""

    async def _ask(self, question: Question) -> _Heard:
        engine, kind = self._engine, self._kind
        ids, thinks = self._prompt(question)
        room = engine.context - len(ids)
        if room < 1:
            raise EngineError(f"{len(ids)} prompt tokens leave no room in {engine.context}")
        cut = Cut(engine.tokenizer, tokens=min(kind.tokens, room))
        problem = question.problem or Problem("", "", question.reference)
        seed = seed_of(self._seed, problem.id, question.sample, "judge", kind.judge)
        sampling = Sampling(kind.temperature, 1.0)
        purpose = Purpose(problem, question.sample, NODE, 1, "0")
        request = Request(ids, cut, sampling, seed, frozenset(), purpose, cell=question.cell, urgent=True)
        usage = Usage()
        async with aclosing(engine.extend(request)) as deltas:
            async for delta in deltas:
                usage = delta.usage or usage
        return _Heard(cut.settle(), usage, thinks)

    def _prompt(self, question: Question) -> tuple[list[int], bool]:
        """The prompt's ids: tags are read as tags in the template alone. And whether the judge thinks first."""
        tokenizer, template = self._engine.tokenizer, self._engine.template
        head = template.render(self._frame)
        problem = question.problem
        parts = {
            "question": problem.question if problem is not None else "",
            "reference": question.reference,
            "answer": _fenced(question),
        }
        own = tokenizer.encode_template if template.chats else tokenizer.encode
        opening = () if template.chats else tokenizer.opening
        ids = list(opening)
        rest = head.text[len(tokenizer.text_of(opening)) :]
        for i, piece in enumerate(_MARK.split(rest)):
            ids += tokenizer.encode(parts[piece]) if i % 2 else own(piece)
        return ids, head.thinking != "none"


def _fenced(question: Question) -> str:
    """The answer between two lines that its writer could not know: they hang on the answer itself."""
    text = question.text.strip()[-LONGEST:].encode("utf-8", "replace").decode()
    content = "\x1f".join((text, question.reference, str(question.sample)))
    number = hashlib.blake2b(content.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return f"[answer {number}]\n{text}\n[end of answer {number}]"


def _read(heard: _Heard) -> tuple[Outcome, str]:
    """The judge's first word after its thinking, where it is a verdict and its line holds no other."""
    said = heard.settled
    if heard.thinks and said.closed < 0:
        return Outcome.UNDECIDED, "the judge did not finish its thinking"
    return verdict_in(said.text[said.closed :] if heard.thinks else said.text)


def verdict_in(text: str) -> tuple[Outcome, str]:
    """What a judge's reply says; undecided unless it begins with a verdict."""
    found = _VERDICT.match(text)
    if found is None:
        why = "the judge's reply does not begin with a verdict" if text.strip() else "the judge said nothing"
        return Outcome.UNDECIDED, why
    line = text[: found.end(1)].rpartition("\n")[2] + text[found.end(1) :].partition("\n")[0]
    right = found[1].lower() == "correct"
    if any((word.lower() == "correct") != right for word in _WORDS.findall(line)):
        return Outcome.UNDECIDED, "the judge's reply begins with two verdicts"
    return (Outcome.CORRECT, "so says the judge") if right else (Outcome.WRONG, "so says the judge")
