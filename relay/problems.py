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
        """Sixteen hex digits that stand for its question, answer and kind."""
        content = "\x1f".join((self.kind, self.question, self.answer))
        return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()
