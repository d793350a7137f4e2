"""Finding the program in what a model wrote: in a fenced block, in prose, or as it stands.

Nothing is parsed here, only matched, in time linear in the text: whatever it is, it runs in the event loop.
"""

import re
import textwrap

from relay.verifiers.fences import Block, blocks

TAIL = 200_000  # characters looked at: the answer is at the end
LONGEST = 500  # of a line

# A line of code at the outermost level, and no line of prose: "from the list" and "for example" are none.
_CODE = re.compile(
    r"""
    (?:(?:async[ \t]+)?def|class)[ \t]+\w+[ \t]*[(\[:] | @\w | from[ \t]+[\w.]+[ \t]+import\b
    | import[ \t]+[\w.]+[ \t]*(?:$|,|;|as\b|\#)
    | (?:if|elif|while|with)\b[^\n]*:[ \t]*(?:\#.*)?$ | for\b[^\n]*\bin\b[^\n]*: | (?:else|try|finally|except\b[^\n]*):
    | (?:assert|del|global|raise)[ \t]+\w | [\#)\]}] | \"\"\" | \'\'\'
    | [A-Za-z_][\w.]*(?:\[[^\]\n]*\])?[ \t]*(?::[^=\n]{1,80})?(?:[-+*/|&]|//|\*\*)?=(?!=)  # an assignment
    | [A-Za-z_][\w.]*\([^\n]*\)[ \t]*(?:\#.*)?$  # a call
    """,
    re.VERBOSE,
)
_MADE = re.compile(
    r"^(?:(?:(?:async[ \t]+)?def|class)[ \t]+(\w+)|([A-Z][A-Z0-9_]*)[ \t]*="
    r"|(?:from[ \t]+[\w.]+[ \t]+)?import[ \t]+([^\n#]+))",
    re.MULTILINE,
)
_WORD = re.compile(r"[A-Za-z_]\w*")
_INLINE = re.compile(r"(?<!`)(`{1,2})(?!`)([^`\n]{1,2000})\1(?!`)")


def defines(code: str, name: str) -> bool:
    """Whether this code seems to define the name, at its outermost level."""
    return re.search(_definition(name), code, re.MULTILINE) is not None


def _definition(name: str) -> str:
    named = re.escape(name)
    return (
        rf"^(?:async[ \t]+)?def[ \t]+{named}[ \t]*[(\[]|^class[ \t]+{named}\b|^{named}[ \t]*(?::[^=\n]+)?=(?!=)"
        rf"|^(?:\w+[ \t]*,[ \t]*)+{named}[ \t]*=(?!=)|^{named}[ \t]*,[\w, \t]*=(?!=)"
        rf"|^from[ \t]+[\w.]+[ \t]+import[ \t]+[^\n]*\b{named}\b"
    )


def head_of(prompt: str, name: str) -> str:
    """What a prompt holds before the function that it asks for: imports and helpers. Empty where it is no code."""
    start = re.search(_definition(name), prompt, re.MULTILINE)
    return prompt[: start.start()] if start else ""


def program_of(text: str, name: str, prompt: str = "") -> str:
    """The program that defines the name: the last block that does, else bare code, else a body for the prompt's head.

    Blocks that define what it uses and lacks come with it. Empty when there is none.
    """
    text = text[-TAIL:]
    there = blocks(text)
    if (found := _defined(text, there, name)) or not defines(prompt, name):
        return found
    bodies = [block.code for block in there] or [text]
    for body in reversed(bodies):
        if re.search(r"^[ \t]*(?:return|yield)\b", body, re.MULTILINE) and (lines := _body(body, fenced=bool(there))):
            return f"{prompt.rstrip()}\n{lines}"
    return ""


def _defined(text: str, there: list[Block], name: str) -> str:
    for block in reversed(there):
        if defines(block.code, name):
            return _with_others(block, there, name)
    if defines(text, name):
        return _bare(text, name)
    branch = re.compile(rf"^[ \t]+def[ \t]+{re.escape(name)}[ \t]*\(", re.MULTILINE)
    for block in reversed(there):  # under an `if` or a `try`, but no method
        if branch.search(block.code) and not re.search(r"^class\b", block.code, re.MULTILINE):
            return block.code
    inline = [match[2] for match in _INLINE.finditer(text) if defines(match[2], name)]
    return inline[-1] if inline else ""


def _with_others(block: Block, there: list[Block], name: str) -> str:
    """A block after those that define functions, constants and imports that it names and does not define itself."""
    program = block.code
    lacks = set(_WORD.findall(program)) - _made(program)
    before = list[str]()
    for other in reversed(there):
        code = other.code
        if other is not block and not defines(code, name) and (made := _made(code)) & lacks:
            before.append(code)
            lacks = (lacks | set(_WORD.findall(code))) - made
    return "\n".join((*reversed(before), program))


def _made(code: str) -> set[str]:
    """The functions, classes, constants and imported names of this code's outermost level."""
    found = set[str]()
    for function, constant, imported in _MADE.findall(code):
        found |= {function or constant} if function or constant else set(_WORD.findall(imported))
    return found - {""}


def _bare(text: str, name: str) -> str:
    """The lines of code among lines of prose, around the last definition of the function."""
    lines = text.splitlines()
    defined = max(i for i, line in enumerate(lines) if re.match(_definition(name), line))
    start, end = defined, defined + 1
    while start and _code(lines[start - 1]):
        start -= 1
    while end < len(lines) and _code(lines[end]):
        end += 1
    return "\n".join(lines[start:end]).strip("\n") + "\n"


def _code(line: str) -> bool:
    return not line.strip() or line[0] in " \t" or _CODE.match(line[:LONGEST]) is not None


def _body(text: str, *, fenced: bool) -> str:
    """The lines of a function's body; indented, where a block gives them without. Prose around them is left out."""
    lines = text.splitlines()
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if fenced and lines[first : first + 1] and lines[first][:1] not in (" ", "\t"):
        return textwrap.indent(text, "    ")
    indented = next((i for i, line in enumerate(lines) if line[:1] in (" ", "\t") and line.strip()), None)
    if indented is None:
        return ""
    end = indented
    while end < len(lines) and (not lines[end].strip() or lines[end][0] in " \t"):
        end += 1
    return "\n".join(lines[indented:end]) + "\n"
