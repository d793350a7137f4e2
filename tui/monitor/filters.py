"""What a user types to filter rollouts, and the orders of the list, as SQL over the run file."""

import re
from typing import NamedTuple

from relay.store.forking import CELL

OUTCOMES = ("correct", "wrong", "undecided")
STATES = ("end", "refuse", "missing", "failed")
_OPEN = "r.stop IS NULL"
FIXED = {"open": _OPEN, "writing": _OPEN, "budget": "(stop.text LIKE 'budget%' OR stop.text = 'context full')"}
HELP = "words that must all hold: correct wrong undecided open failed missing budget, #7, tokens>500, or part of a name"
_TOKENS = re.compile(r"tokens([<>])(\d{1,15})")
_SPENT = "coalesce((SELECT sum(decoded) FROM step WHERE step.rollout = r.id), 0)"

ORDERS = {
    "number": "r.id",
    "problem": "p.key, r.id",
    "cell": "c.id, r.id",
    "state": "coalesce(stop.text, ''), r.id",
    "verdict": "coalesce(outcome.text, ''), r.id",
    "tokens": f"{_SPENT}, r.id",
}
_IDS = """
SELECT r.id FROM rollout r JOIN problem p ON p.id = r.problem
LEFT JOIN fork f ON f.rollout = r.id JOIN cell c ON c.id = coalesce(f.cell, r.cell)
LEFT JOIN name stop ON stop.id = r.stop
LEFT JOIN verdict v ON v.rollout = r.id AND v.verifier = (SELECT id FROM name WHERE text = :verifier)
LEFT JOIN name outcome ON outcome.id = v.outcome
"""


class Wish(NamedTuple):
    """Which rollouts a user wants to see, and in which order."""

    words: str = ""
    order: str = "number"
    down: bool = True  # the last first

    @property
    def plain(self) -> bool:
        """All of them by number: nothing has to be looked up."""
        return not self.words.strip() and self.order == "number"


def query(wish: Wish, verifier: str) -> tuple[str, dict[str, object]]:
    """The statement that gives the numbers of the wished rollouts, and its values."""
    held, values = [], dict[str, object](verifier=verifier)
    for at, word in enumerate(wish.words.split()):
        sql, value = _term(word, f"w{at}")
        held.append(sql)
        if value is not None:
            values[f"w{at}"] = value
    order = ", ".join(f"{key} DESC" if wish.down else key for key in ORDERS[wish.order].rsplit(", ", 1))
    return f"{_IDS} WHERE {' AND '.join(held) or '1'} ORDER BY {order}", values


def mistake(words: str) -> str:
    """What a user should know of these words; empty where there is nothing."""
    for word in words.split():
        if word.startswith(("tokens>", "tokens<", "tokens=")) and not _TOKENS.fullmatch(word):
            return f"{word!r} is looked for in names: a count is tokens>500 or tokens<50"
    return ""


def _term(word: str, name: str) -> tuple[str, object]:
    if word in FIXED:
        return FIXED[word], None
    if word in OUTCOMES:
        return f"outcome.text = :{name}", word
    if word in STATES:
        return f"stop.text = :{name}", word
    if word.startswith("#") and word[1:].isdecimal():
        return f"r.id = :{name}", min(int(word[1:]), 2**63 - 1)
    if (found := _TOKENS.fullmatch(word)) is not None:
        return f"{_SPENT} {found[1]} :{name}", int(found[2])
    return f"(instr(lower(p.key), lower(:{name})) OR instr(lower({CELL}), lower(:{name})))", word
