"""Values that a model predicts: the output of a function, or arguments for which it gives an output."""

import ast
import contextlib
from collections.abc import Mapping
from typing import Any

from .remote import CandidateError, LateError, Remote
from .values import brief, told

Found = tuple[str, str]


class NeededError(Exception):
    """The answer must be run, and there is no candidate."""


def output(job: Mapping[str, Any], remote: Remote | None) -> Found:
    """A value that the answer states, beside the one that the function gives."""
    expected = eval(compile(job["output"], "<output>", "eval"), {})
    before, source = _said(job["program"], job["entry"])
    _run(before, remote)
    said = _evaluated(source, remote)
    if _equal(said, expected):
        return "correct", "the value that the function gives"
    return "wrong", f"the function gives {brief(expected)}, not {brief(said)}"


def arguments(job: Mapping[str, Any], remote: Remote | None) -> Found:
    """The arguments that the answer states, as Python literals: they are put into the function by another trial."""
    try:
        before, call = _stated(job["program"], job["entry"])
        if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
            return "wrong", "no arguments: a star stands among them"
        _run(before, remote)
        values = [_evaluated(ast.unparse(a), remote) for a in call.args]
        named = {k.arg: _evaluated(ast.unparse(k.value), remote) for k in call.keywords}
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return "wrong", f"no arguments: {told(error)}"
    try:
        stated = repr((values, named))
        ast.literal_eval(stated)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return "wrong", "its arguments are no data"
    return "arguments", stated


def call(job: Mapping[str, Any], remote: Remote | None) -> Found:
    """The function with these arguments, as literals, beside the value that it should give."""
    if remote is None:
        raise NeededError
    remote.load("", job["code"])
    expected = eval(compile(job["output"], "<output>", "eval"), {})
    given, named = ast.literal_eval(job["arguments"])
    if named and not given and _parameters(job["code"], job["entry"]).isdisjoint(named):
        given, named = [*named.values()], {}  # "input = 3": it was given a name of its own
    try:
        gave = remote.call(job["entry"], given, named)
    except (LateError, CandidateError):
        raise
    except Exception as error:
        return "wrong", f"raises {told(error)}"
    if _equal(gave, expected):
        return "correct", "gives that value"
    return "wrong", f"gives {brief(gave)}, not {brief(expected)}"


def _parameters(code: str, entry: str) -> set[str]:
    """The names of its parameters; of a function that takes any, every name that the code holds."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef) and node.name == entry and node.args.kwarg is None:
            return {each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def _lines(source: str) -> tuple[list[ast.stmt], ast.expr | None]:
    """The plain assignments of a program of several lines, and the expression of its last. None where it is none."""
    body: list[ast.stmt] = []
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        body = ast.parse(source.strip()).body
    before: list[ast.stmt] = [each for each in body[:-1] if isinstance(each, ast.Assign)]
    match body[-1:]:
        case [ast.Expr(value=said)] | [ast.Assert(test=said)]:
            return before, _printed(said)
        case [ast.Assign(value=said)]:
            return before, said
    return [], None


def _printed(node: ast.expr) -> ast.expr:
    """What is printed, in `print(f(2))`."""
    named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    return node.args[0] if named and isinstance(node, ast.Call) and len(node.args) == 1 else node


def _called(node: ast.expr, entry: str) -> ast.Call | None:
    """The call in `f([1])`, and on either side of `f([1]) == 2`."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
        return _called(node.left, entry) or _called(node.comparators[0], entry)
    return node if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == entry else None


def _said(source: str, entry: str) -> tuple[list[ast.stmt], str]:
    """What must run before, and the value: beside the call in `f([1]) == 2`, or of the last line; else all of it."""
    before, said = _lines(source)
    if said is None:
        return [], source
    if isinstance(said, ast.Compare) and (found := _called(said, entry)) is not None:
        said = said.comparators[0] if said.left is found else said.left
    with contextlib.suppress(ValueError, RecursionError):
        return before, ast.unparse(said)
    return [], source


def _stated(source: str, entry: str) -> tuple[list[ast.stmt], ast.Call]:
    """What must run before, and a call with the arguments that are stated. Raises SyntaxError where there are none."""
    before, said = _lines(source)
    if said is not None and (found := _called(said, entry)) is not None:
        return before, found
    if before and said is not None:  # `a = 2` and `b = 3`, each on its line
        given = [each for each in ast.parse(source.strip()).body if isinstance(each, ast.Assign)]
        pairs = [(each.targets[0].id, each.value) for each in given if isinstance(each.targets[0], ast.Name)]
        return [], ast.Call(ast.Name("f"), [], [ast.keyword(*pair) for pair in dict(pairs).items()])
    call = ast.parse(f"f({source}\n)", mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise SyntaxError("they are no arguments")
    return [], call


def _run(before: list[ast.stmt], remote: Remote | None) -> None:
    """Run these assignments, of the answer's own, where its expressions are evaluated."""
    if before:
        if remote is None:
            raise NeededError
        remote.load("", ast.unparse(ast.Module(before, [])))


def _evaluated(source: str, remote: Remote | None) -> Any:
    """The value of an expression that a model wrote: here where it is a literal, else in the candidate."""
    with contextlib.suppress(ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return ast.literal_eval(source.strip())
    if remote is None:
        raise NeededError
    return remote.evaluate(source.strip())


def _equal(one: Any, other: Any) -> bool:
    """Both are data here, so that neither decides what equal means."""
    try:
        return bool(one == other)
    except Exception:  # of numpy's arrays, say
        return False
