"""One verifier after another: the second is asked about some answers only, and then has the last word."""

from collections.abc import Collection

from relay.verifiers import Question, Verdict, Verifier

Named = tuple[str, Verifier]


class Rule:
    """Grades with the first, and where its verdict is one of `when` with the second; keeps both verdicts apart."""

    def __init__(self, first: Named, then: Named, when: Collection[str]) -> None:
        self._first, self._then, self._when = first, then, frozenset(when)

    async def grade(self, question: Question) -> Verdict:
        """The last word, with the verdicts that led to it. An unfinished text is wrong and asked about no further."""
        name, _ = self._first
        said = await _asked(self._first, question)
        parts = [(name, said)]
        if said.outcome in self._when and question.finished:
            name, _ = self._then
            said = await _asked(self._then, question)
            parts.append((name, said))
        seconds = sum(verdict.seconds for _, verdict in parts)
        return Verdict(said.outcome, said.answer, f"{name}: {said.why}", seconds, parts=tuple(parts))

    async def aclose(self) -> None:
        """Close both."""
        try:
            await self._first[1].aclose()
        finally:
            await self._then[1].aclose()


async def _asked(named: Named, question: Question) -> Verdict:
    """What this verifier says; what it said before is not asked for again."""
    name, verifier = named
    return question.said.get(name) or await verifier.grade(question)
