"""The path of a request with its faults, and the drift of its vendor, compiled out: what they cost who has none.

Not a second implementation: the path is read from its own source, every statement that speaks of a plan is taken away,
and what is left is compiled.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from types import FunctionType


class WithoutPlan(ast.NodeTransformer):
    """Takes away assignments of, branches on and choices by the plan of an exchange."""

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        return None if any(_speaks(target) for target in node.targets) else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if _speaks(node.test) else self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        return node.orelse if _speaks(node.test) else self.generic_visit(node)


def _speaks(node: ast.AST) -> bool:
    return any(isinstance(one, ast.Name) and one.id in ("plan", "drifted") for one in ast.walk(node))


def without_plan(of: FunctionType) -> FunctionType:
    """The function without its faults.

    Raises:
        ValueError: something of the plan is left.
    """
    tree = WithoutPlan().visit(ast.parse(textwrap.dedent(inspect.getsource(of))))
    if _speaks(tree):
        raise ValueError(f"{of.__qualname__} speaks of a plan in a way that is not known here")
    scope = dict(of.__globals__)
    exec(compile(ast.fix_missing_locations(tree), f"<{of.__qualname__} without faults>", "exec"), scope)
    made: FunctionType = scope[of.__name__]
    return made
