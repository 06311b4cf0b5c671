"""Small faults put into source text, one at a time: a comparison off by one, a row of a table dropped, a call left out.

In: the text of a module. Out: `Mutation`s, each with the whole text that it makes. No effects. Texts for people, type
annotations, decorators and imports are left alone.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_OPERATORS: dict[type[ast.cmpop | ast.operator], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.BitOr: ("|", "&"),
    ast.BitAnd: ("&", "|"),
}
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
_Edit = tuple[int, int, bytes]


@dataclass(frozen=True, slots=True)
class Mutation:
    """One fault: what kind, where, the line that it changes before and after, and the text of the whole module."""

    kind: str
    line: int
    before: str
    after: str
    text: str


def mutations_of(text: str) -> Iterator[Mutation]:
    """Every mutation of a module that still is Python, in the order of the tree."""
    source = text.encode()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for kind, (start, end, replacement) in _Mutator(source, starts).edits(ast.parse(text)):
        mutated = (source[:start] + replacement + source[end:]).decode()
        try:
            compile(mutated, "mutant", "exec", dont_inherit=True)
        except SyntaxError:
            continue
        number = source.count(b"\n", 0, start)
        after = mutated.splitlines()[number].strip()
        yield Mutation(kind, number + 1, text.splitlines()[number].strip(), after, mutated)


class _Mutator:
    def __init__(self, source: bytes, starts: list[int]) -> None:
        self._source = source
        self._starts = starts

    def edits(self, tree: ast.AST) -> Iterator[tuple[str, _Edit]]:
        for field, value in ast.iter_fields(tree):
            if field in ("annotation", "returns", "decorator_list", "bases", "type_params", "format_spec"):
                continue
            if isinstance(tree, ast.Subscript) and isinstance(value, ast.Tuple):
                continue  # parameters of a type
            for node in value if isinstance(value, list) else [value]:
                if isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr) or not isinstance(node, ast.AST):
                    continue
                if isinstance(node, ast.stmt | ast.expr):
                    yield from self._edits_of(node)
                yield from self.edits(node)

    def _span(self, node: ast.stmt | ast.expr) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._starts[node.lineno - 1] + node.col_offset, self._starts[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.expr) -> bytes:
        start, end = self._span(node)
        return b"(" + self._source[start:end] + b")"

    def _between(self, left: ast.expr, right: ast.expr, old: str, new: str) -> Iterator[_Edit]:
        start, end = self._span(left)[1], self._span(right)[0]
        found = self._source.find(old.encode(), start, end)
        if found >= 0:
            yield found, found + len(old), new.encode()

    def _edits_of(self, node: ast.stmt | ast.expr) -> Iterator[tuple[str, _Edit]]:
        yield from self._edits_of_decisions(node)
        yield from self._edits_of_values(node)
        yield from self._edits_of_statements(node)

    def _edits_of_decisions(self, node: ast.stmt | ast.expr) -> Iterator[tuple[str, _Edit]]:
        match node:
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                yield from (("comparison", edit) for edit in self._between(left, right, *_OPERATORS[type(operator)]))
            case ast.BoolOp(op=operator, values=values):
                old, new = ("and", "or") if isinstance(operator, ast.And) else ("or", "and")
                yield from (("and/or", edit) for edit in self._between(values[0], values[1], old, new))
                yield "condition dropped", (*self._span(node), self._text(values[0]))
                yield "condition dropped", (*self._span(node), self._text(values[-1]))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield "not dropped", (*self._span(node), self._text(operand))
            case ast.IfExp(test=test) | ast.If(test=test) | ast.While(test=test):
                yield "condition negated", (*self._span(test), b"not " + self._text(test))
            case _:
                return

    def _edits_of_values(self, node: ast.stmt | ast.expr) -> Iterator[tuple[str, _Edit]]:
        match node:
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
                if not _is_text(left) and not _is_text(right):
                    edits = self._between(left, right, *_OPERATORS[type(operator)])
                    yield from (("arithmetic", edit) for edit in edits)
            case ast.Constant(value=bool(value)):
                yield "True/False", (*self._span(node), str(not value).encode())
            case ast.Constant(value=int(value)):
                yield "number", (*self._span(node), str(value + 1).encode())
            case ast.Name(id=name, ctx=ast.Load()) if name in _NAMES:
                yield "min/max", (*self._span(node), _NAMES[name].encode())
            case ast.List(elts=rows, ctx=ast.Load()) | ast.Set(elts=rows) | ast.Tuple(elts=rows, ctx=ast.Load()):
                yield from _without_each([self._span(each) for each in rows])
            case ast.Dict(keys=keys, values=values):
                pairs = [(key, value) for key, value in zip(keys, values, strict=True) if key]
                if len(pairs) == len(keys):
                    yield from _without_each([(self._span(key)[0], self._span(value)[1]) for key, value in pairs])
            case _:
                return

    def _edits_of_statements(self, node: ast.stmt | ast.expr) -> Iterator[tuple[str, _Edit]]:
        match node:
            case ast.Return(value=ast.expr()):
                yield "nothing returned", (*self._span(node), b"return None")
            case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()) | ast.Raise() | ast.AugAssign():
                yield "left out", (*self._span(node), b"pass")
            case ast.Delete():
                yield "left out", (*self._span(node), b"pass")
            case ast.Continue():
                yield "continue/break", (*self._span(node), b"break")
            case ast.Break():
                yield "continue/break", (*self._span(node), b"continue")
            case _:
                return


def _without_each(spans: list[tuple[int, int]]) -> Iterator[tuple[str, _Edit]]:
    """Each of several elements left out, with the comma before it, or behind it if it is the first."""
    if len(spans) > 1:
        yield "row dropped", (spans[0][0], spans[1][0], b"")
        yield from (("row dropped", (before[1], span[1], b"")) for before, span in pairwise(spans))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
