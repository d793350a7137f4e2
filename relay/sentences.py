"""Where sentences and paragraphs end in a thought: English with decimals, lists, LaTeX and code in it.

An end lies just after its mark and before the space that follows, or after a whole run of newlines. It needs
something to end: white space alone is no sentence. Whether a mark is an end is known only from what follows it.
"""

import re
from typing import NamedTuple

MARKS = ".!?…。！？\n"  # without one of these nothing ends
CLOSERS = "\"'”’»)]}*」』）"
_CLOSER = f"[{re.escape(CLOSERS)}]*"
_BLANK = r"(?P<blank>\n[ \t\r]*\n)"
_MARK = re.compile(
    r"\\\\|\\\$"  # LaTeX's line break and dollar sign
    r"|(?P<math>\\\(|\\\[|\$\$|\$(?!\s|[.,;:!?)](?!\d))|\\begin\{(?P<env>[A-Za-z]+\*?)\})"
    r"|^[ \t]*(?P<fence>`{3,}|~{3,})[^`\n]*(?P<inline>`?)"
    rf"|(?P<stop>(?:[.!?…]|(?P<wide>[。！？]))+{_CLOSER})"
    r"|(?P<newlines>\r?\n(?:[ \t\r]*\n)*)",
    re.MULTILINE,
)
_UNTIL = {  # what ends a formula, or shows that it was never closed
    "\\(": re.compile(rf"\\\\|(?P<close>\\\))|{_BLANK}"),
    "\\[": re.compile(rf"\\\\|(?P<close>\\\])|{_BLANK}"),
    "$$": re.compile(rf"\\.|(?P<close>\$\$)|{_BLANK}", re.DOTALL),
    "$": re.compile(
        rf"\\[^\n]|(?P<close>(?<!\s)\$(?!\d))|(?P<again>\$)|(?P<blank>\n)|(?P<prose>[.!?]{_CLOSER}(?=[ \t]))"
    ),
}
_MONEY = re.compile(  # what follows a dollar sign that opens no formula: nothing of one, or a word behind the sum
    r"\d[\d.,]*(?:[^=+\\^_{}<>]*|%?(?:[,;:] [a-z]| [a-z]{2})[^\\^_{}]*)", re.IGNORECASE
)
_LABEL = re.compile(
    r"[-+>#•* \t]*(?:(?:step|case|part)[ \t]+)?"  # one class: a rule of dashes must be read in one way only
    r"[(\[]?(?:\d{1,3}(?:\.\d{1,2})*|[a-z]|[ivx]{2,5})[)\]]?",
    re.IGNORECASE,
)
_AHEAD = re.compile(r"\s*(?P<two>.{0,2})", re.DOTALL)
_WORD = re.compile(r"[^\s(\[{\"'“‘*]*\Z")
_GOES_ON = re.compile(  # so begins what continues a sentence after an ellipsis
    r"[a-z\d,;:?!)\]}=+\-−–—×*/·⋅∘÷±∓≈≡≠<>≤≥→⇒∈∪∩^]"
)
_WORD_BEGINS = re.compile(r"[A-Z][a-z]|[AI]\s")  # a sentence after a full stop that stands apart
_SAME = re.compile(r"[a-z\d(\\$]")  # and after an abbreviation that may also end one
_ANSWER = re.compile(r"(?:(?:\A|[\n.!?…])\s*\**[Nn]o|[,;:]\s+no)\Z")  # the word, and not "No." for a number
_LEADS_IN = re.compile(r"(?:\A|[\n.!?…])[ \t]*[A-Za-z]+(?: [a-z]+)?,[ \t\r]*\Z")  # "So," above what it speaks of
_COMMA_INSIDE = re.compile(r",\s*(?:\\[\])]|\$\$)[ \t\r]*\Z")  # of a formula
_QUOTED = ("''", '""', "“”", "‘’")
_LOOK_BACK = 24  # characters; abbreviations and words that lead in are shorter

_NEVER_ENDS = (
    "e.g. i.e. cf. vs. viz. mr. mrs. ms. dr. prof. rev. gen. sen. mt. approx. resp. w.r.t. s.t. w.l.o.g. incl. al. "
    "ex. def. thm. lem. cor. prop. eqn. eqs. eq. fig. figs. chap. ref. refs. pp. vol. nos."
)
_MAY_END = (
    "etc. a.m. p.m. u.s. u.k. u.n. ph.d. b.c. a.d. jr. sr. inc. ltd. co. corp. st. ave. no. p. ch. ft. in. lb. lbs. "
    "oz. yd. mi. hr. hrs. min. mins. sec. secs. max. avg. sq. est. dept. jan. feb. mar. apr. jun. jul. aug. sep. sept. "
    "oct. nov. dec."
)
NEVER_ENDS = frozenset(_NEVER_ENDS.split())
MAY_END = frozenset(_MAY_END.split())


class _Open(NamedTuple):
    """A formula or a block of code that has begun."""

    mark: str  # "$", "$$", "\\(", "\\[", "\\begin", or a fence
    until: re.Pattern[str]
    at: int  # where its content begins


class Scanner:
    """Finds the ends as the text grows; fed in any pieces, they are those of the whole text."""

    sentences: list[int]  # where sentences end so far, as offsets into all that was fed
    paragraphs: list[int]  # where paragraphs end so far: after a blank line
    waiting: bool  # an end may show at the next character; else one of MARKS must come first

    def __init__(self, before: str = "") -> None:
        """`before` is what stands before the text: a line, a formula or a block of code may have begun there."""
        self.sentences, self.paragraphs = [], []
        self.waiting = False
        self._text = ""
        self._at = 0  # what lies before it is read
        self._open: _Open | None = None
        self._start = self._last = self._blank = 0  # of the text, of this sentence, of this paragraph
        if before:
            self.feed(before)
            self.sentences, self.paragraphs = [], []
            self._start = self._last = self._blank = len(before)

    def feed(self, text: str, *, final: bool = False) -> None:
        """Read on. `final`: nothing follows, and the end of the text ends a sentence."""
        self._text += text
        while self._step(final):
            pass
        if final:
            self._end(len(self._text))

    def _step(self, final: bool) -> bool:
        """Go behind the next mark; False when what follows it must be known first, or there is none."""
        pattern = _MARK if self._open is None else self._open.until
        mark = pattern.search(self._text, self._at)
        self.waiting = mark is not None or self._open is not None
        if mark is None or (mark.end() == len(self._text) and not final):
            return False
        return self._outside(mark, final) if self._open is None else self._inside(mark, self._open, final)

    def _outside(self, mark: re.Match[str], final: bool) -> bool:
        if mark["newlines"]:
            return self._newlines(mark, final)
        if mark["stop"]:
            return self._stop(mark, final)
        self._at = mark.end()
        if mark["env"]:
            until = re.compile(rf"\\\\|(?P<close>\\end\{{{re.escape(mark['env'])}\}})|{_BLANK}")
            self._open = _Open("\\begin", until, mark.end())
        elif mark["math"]:
            self._open = _Open(mark["math"], _UNTIL[mark["math"]], mark.end())
        elif mark["fence"] and not mark["inline"]:
            until = re.compile(rf"^[ \t]*{mark['fence']}[`~]*[ \t]*(?P<close>\n)", re.MULTILINE)
            self._open = _Open("fence", until, mark.end())
        return True

    def _inside(self, mark: re.Match[str], here: _Open, final: bool) -> bool:
        found = mark.groupdict()
        if found["close"]:
            return self._close(mark, here, final)
        self._at = mark.end()
        if found.get("blank"):
            self._open, self._at = None, mark.start()
        elif found.get("again"):
            self._open, self._at = None, mark.start()  # a sum of money before it; this one may open a formula
        elif found.get("prose") and _MONEY.fullmatch(self._text, here.at, mark.start()):
            self._open, self._at = None, here.at
        return True

    def _close(self, mark: re.Match[str], here: _Open, final: bool) -> bool:
        """Leave a formula; one that ends with a full stop may end a sentence."""
        text, end = self._text, mark.end()
        if here.mark == "fence":
            self._open, self._at = None, mark.start("close")
            return True
        formula = text[here.at : mark.start()].rstrip()
        while end < len(text) and text[end] in CLOSERS:
            end += 1
        if end == len(text) and not final:
            return False
        self._open, self._at = None, mark.end()
        if formula.endswith(".") and not formula.endswith("..") and text[end : end + 1] in (" ", "\t"):
            self._at = end
            self._end(end)
        return True

    def _newlines(self, mark: re.Match[str], final: bool) -> bool:
        at = mark.end()
        if not final and not self._text[at:].strip(" \t\r"):
            return False  # the run may go on
        self._at = at
        if not self._runs_on(mark.start(), at):
            self._end(at)
        if mark.group().count("\n") > 1 and self._text[self._blank : at].strip():
            self.paragraphs.append(at - self._start)
            self._blank = at
        return True

    def _runs_on(self, start: int, end: int) -> bool:
        """Whether the sentence goes on behind these newlines."""
        back = max(0, start - _LOOK_BACK)
        if _LEADS_IN.search(self._text, back, start):
            return True
        return bool(_COMMA_INSIDE.search(self._text, back, start) and self._text[end:].lstrip()[:1].islower())

    def _stop(self, mark: re.Match[str], final: bool) -> bool:
        end = mark.end()
        after = self._text[end : end + 1]
        ends: bool | None = bool(mark["wide"])
        if not ends and after.isspace() and after not in "\r\n":  # a newline is a mark of its own
            ahead = _AHEAD.match(self._text, end)
            ends = self._is_end(mark.start(), mark["stop"], ahead["two"] if ahead else "", final)
            if ends is None and not final:
                return False
        self._at = end
        if ends:
            self._end(end)
        return True

    def _is_end(self, start: int, stop: str, after: str, final: bool) -> bool | None:
        """Whether this mark before white space is an end; None when that depends on what is not yet there."""
        mark = stop.rstrip(CLOSERS)
        before = self._text[max(0, start - 1) : start]
        if before in ("(", "[", "{") or before + stop[len(mark) : len(mark) + 1] in _QUOTED:
            return False  # the mark is spoken of, or begins something
        if mark.endswith(("..", "…")) or (mark == "?" and before.isspace()):  # such a "?" may stand for a number
            return not _GOES_ON.match(after) if after else None
        found = _WORD.search(self._text[max(0, start - _LOOK_BACK) : start])
        word = found.group() if found else ""
        if mark == "!" and (len(word) == 1 or not word[-1:].isalpha()):
            return after[:1].isupper() if after else None  # perhaps a factorial
        return self._is_full_stop(start, word, after, final) if mark == "." else True

    def _is_full_stop(self, start: int, word: str, after: str, final: bool) -> bool | None:
        """The same for one dot behind this word."""
        spelled = word.lower() + "."
        line = self._text.rfind("\n", 0, start) + 1
        if spelled in NEVER_ENDS or _LABEL.fullmatch(self._text, line, start):
            return False
        if spelled in MAY_END:
            if spelled == "no." and _ANSWER.search(self._text, max(0, start - _LOOK_BACK), start):
                return True
            return not _SAME.match(after) if after else None
        if self._text[max(0, start - 1) : start].isspace():  # perhaps a product
            return bool(_WORD_BEGINS.match(after)) if len(after) > 1 or final else None
        return True

    def _end(self, at: int) -> None:
        if at > self._last and not self._text[self._last : at].isspace():
            self.sentences.append(at - self._start)
            self._last = at


def ends(text: str, *, final: bool = False) -> list[int]:
    """Where the sentences of this text end. Its own end counts only when it is `final`."""
    scanner = Scanner()
    scanner.feed(text, final=final)
    return scanner.sentences


def paragraphs(text: str) -> list[int]:
    """Where the paragraphs of this text end: after each blank line that something stands before."""
    scanner = Scanner()
    scanner.feed(text)
    return scanner.paragraphs
