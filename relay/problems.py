"""A problem as a value."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple


class Problem(NamedTuple):
    """A question with a reference answer."""

    id: str
    question: str
    answer: str
    kind: str = "math"  # math, code, choice, text
    extra: Mapping[str, object] = {}  # other fields of its row (difficulty, tests), for `where:` and verifiers

    @property
    def hash(self) -> str:
        """Sixteen hex digits that stand for its question, answer and kind, and for the tests of a program."""
        tests = (str(self.extra["tests"]),) if self.kind == "code" and "tests" in self.extra else ()
        content = "\x1f".join((self.kind, self.question, self.answer, *tests))
        return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()
