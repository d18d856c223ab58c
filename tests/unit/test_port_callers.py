"""Every method of every port has a caller in production code."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PORTS: Final = ROOT / "application" / "ports"
PRODUCTION: Final = ("domain", "application", "adapters", "entrypoints")


def _trees(*folders: str) -> Iterator[ast.Module]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield ast.parse(path.read_text(encoding="utf-8"))


def _classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def _functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (
        child
        for child in ast.walk(node)
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def _port_methods() -> dict[str, set[str]]:
    """Return the public methods of each Protocol in `application/ports`."""
    return {
        port.name: {
            method.name
            for method in port.body
            if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        for path in PORTS.glob("*.py")
        for port in _classes(ast.parse(path.read_text(encoding="utf-8")))
        if any(isinstance(base, ast.Name) and base.id == "Protocol" for base in port.bases)
    }


def _type_names(annotation: ast.expr | None) -> set[str]:
    """Return all class names in an annotation, so `Sequence[Messenger]` has Messenger."""
    if annotation is None:
        return set()
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    return {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}


def _fields(tree: ast.Module) -> dict[str, set[str]]:
    """Return the types of all annotated fields, by the name of the field."""
    fields: dict[str, set[str]] = {}
    for owner in _classes(tree):
        for statement in owner.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                fields.setdefault(statement.target.id, set()).update(
                    _type_names(statement.annotation)
                )
    return fields


def _called(tree: ast.Module, fields: dict[str, set[str]]) -> Iterator[tuple[str, str]]:
    """Return each (type, attribute) that a module reads of a field, parameter or loop variable."""
    names = dict(_fields(tree))
    for function in _functions(tree):
        arguments = (*function.args.args, *function.args.kwonlyargs)
        for argument in arguments:
            names.setdefault(argument.arg, set()).update(_type_names(argument.annotation))
    for node in ast.walk(tree):
        # self._keys = keys, and local = repositories.identities
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            types = _types_of(node.value, names, fields)
            target = node.targets[0]
            if isinstance(target, ast.Attribute | ast.Name):
                name = target.attr if isinstance(target, ast.Attribute) else target.id
                names.setdefault(name, set()).update(types)
        if isinstance(node, ast.For | ast.comprehension) and isinstance(node.target, ast.Name):
            types = _types_of(node.iter, names, fields)
            names.setdefault(node.target.id, set()).update(types)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            for type_name in _types_of(node.value, names, fields):
                yield type_name, node.attr


def _types_of(
    expression: ast.expr, names: dict[str, set[str]], fields: dict[str, set[str]]
) -> set[str]:
    if isinstance(expression, ast.Name):
        return names.get(expression.id, set())
    if isinstance(expression, ast.Attribute):
        return names.get(expression.attr, set()) | fields.get(expression.attr, set())
    return set()


def test_every_method_of_every_port_has_a_caller() -> None:
    ports = _port_methods()
    fields: dict[str, set[str]] = {}
    for tree in _trees(*PRODUCTION):
        for name, types in _fields(tree).items():
            fields.setdefault(name, set()).update(types)
    called = {pair for tree in _trees(*PRODUCTION) for pair in _called(tree, fields)}

    assert len(ports) > 15
    uncalled = {
        f"{port}.{method}"
        for port, methods in ports.items()
        for method in methods
        if (port, method) not in called
    }
    assert uncalled == set()
