"""No name of a public class is defined twice: a reader never has to look which one is meant."""

import ast
from collections import defaultdict
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def test_a_public_class_name_is_defined_once() -> None:
    modules = defaultdict(list)
    for layer in ("domain", "application", "adapters", "entrypoints"):
        for path in (PROJECT / layer).rglob("*.py"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    modules[node.name].append(str(path.relative_to(PROJECT)))
    assert modules
    assert {name: paths for name, paths in modules.items() if len(paths) > 1} == {}
