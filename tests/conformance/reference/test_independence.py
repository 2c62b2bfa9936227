"""The reference is written from the vendors' documents: it must know nothing of the simulator that it is shown to."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import conformance.reference

ALLOWED = {"httpx", "joserfc"}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_it_imports_two_libraries_and_itself():
    foreign = {
        (path.name, name)
        for path in Path(conformance.reference.__file__).parent.glob("*.py")
        for name in imports(path)
        if not name.startswith("conformance.reference")
        and (name.partition(".")[0] not in sys.stdlib_module_names | ALLOWED)
    }
    assert foreign == set()
