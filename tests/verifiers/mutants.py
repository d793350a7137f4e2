"""Programs that are nearly right: one operator, one constant or one result of each is another."""

import ast
import copy
from collections.abc import Iterator

_OTHER = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.Lt: ast.GtE, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def mutants(program: str, name: str) -> Iterator[tuple[str, str]]:
    """What was changed, and the program: each change that there is in the function of this name."""
    tree = ast.parse(program)
    inside = {id(n) for f in tree.body if isinstance(f, ast.FunctionDef) and f.name == name for n in ast.walk(f)}
    for number, node in enumerate(ast.walk(tree)):
        if id(node) not in inside:
            continue  # a helper that came with the prompt: the tests have their own
        for what, changed in _changes(node):
            mutant = copy.deepcopy(tree)
            at = next(n for i, n in enumerate(ast.walk(mutant)) if i == number)
            for field, value in changed.items():
                setattr(at, field, value)
            yield f"{what} in {name}, line {getattr(node, 'lineno', 0)}", ast.unparse(ast.fix_missing_locations(mutant))


def _changes(node: ast.AST) -> Iterator[tuple[str, dict[str, object]]]:
    match node:
        case ast.Return(value=value) if value is not None:
            yield "returns None", {"value": ast.Constant(None)}
        case ast.BinOp(op=op) | ast.BoolOp(op=op) | ast.AugAssign(op=op) if type(op) in _OTHER:
            yield "another operator", {"op": _OTHER[type(op)]()}
        case ast.Compare(ops=[op]) if type(op) in _OTHER:
            yield "another comparison", {"ops": [_OTHER[type(op)]()]}
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            yield "off by one", {"value": value + 1}
