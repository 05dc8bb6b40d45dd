"""Constraints of a space: arithmetic over knobs, compiled from text without running any of it."""

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {"min": min, "max": max}


class Rule:
    """A condition such as `clusters * lanes <= 64`, true or false for the values of a point.

    Numbers, knob names, + - * / // %, comparisons, and, or, not, min() and max() may stand in it.
    """

    def __init__(self, text: str, names: Collection[str]) -> None:
        """Raises ValueError, with the remedy, for anything else than a condition over `names`."""
        self.text = text
        try:
            tree = ast.parse(text, mode="eval").body
        except SyntaxError:
            raise ValueError(f"'{text}' is not a condition: write it like 'lanes <= 16'") from None
        _check(tree, text, names)
        if not isinstance(tree, (ast.Compare, ast.BoolOp, ast.UnaryOp)):
            raise ValueError(f"'{text}' compares nothing: write it like 'lanes <= 16'")
        self._tree = tree

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether `values` satisfy the condition; a division by zero does not."""
        try:
            return bool(_value(self._tree, values))
        except ZeroDivisionError:
            return False


def _check(node: ast.expr, text: str, names: Collection[str]) -> None:
    match node:
        case ast.Name(id=name):
            if name not in names:
                known = ", ".join(sorted(names))
                raise ValueError(f"'{text}': unknown name '{name}'; names are: {known}")
            return
        case ast.Constant(value=int() | float()):
            return
        case ast.BinOp(op=operation) if type(operation) in _BINARY:
            parts = [node.left, node.right]
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            parts = [node.operand]
        case ast.BoolOp():
            parts = node.values
        case ast.Compare() if all(type(operation) in _COMPARE for operation in node.ops):
            parts = [node.left, *node.comparators]
        case ast.Call(func=ast.Name(id=name), keywords=[]) if name in _FUNCTIONS and node.args:
            parts = node.args
        case _:
            raise ValueError(
                f"'{text}': '{ast.unparse(node)}' cannot stand in a condition: use numbers, "
                "knobs, + - * / // %, comparisons, and, or, not, min(), max()"
            )
    for part in parts:
        _check(part, text, names)


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Name(id=name):
            return values[name]
        case ast.Constant(value=number):
            return number
        case ast.BinOp():
            return _BINARY[type(node.op)](_value(node.left, values), _value(node.right, values))
        case ast.UnaryOp(op=ast.Not()):
            return not _value(node.operand, values)
        case ast.UnaryOp():
            return -_value(node.operand, values)
        case ast.BoolOp(op=ast.And()):
            return all(_value(part, values) for part in node.values)
        case ast.BoolOp():
            return any(_value(part, values) for part in node.values)
        case ast.Compare():
            sides = [_value(part, values) for part in (node.left, *node.comparators)]
            pairs = zip(node.ops, sides, sides[1:], strict=False)
            return all(_COMPARE[type(op)](left, right) for op, left, right in pairs)
        case ast.Call(func=ast.Name(id=name)):
            arguments = [_value(part, values) for part in node.args]
            return _FUNCTIONS[name](*arguments) if len(arguments) > 1 else arguments[0]
    raise TypeError(f"unchecked node {ast.dump(node)}")
