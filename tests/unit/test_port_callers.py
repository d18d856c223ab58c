"""Every method of every port has a caller in production code."""

import ast
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PRODUCTION: Final = ("domain", "application", "adapters", "entrypoints")


def test_every_method_of_every_port_has_a_caller() -> None:
    methods = {
        method.name
        for path in (ROOT / "application" / "ports").glob("*.py")
        for port in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(port, ast.ClassDef)
        if any(isinstance(base, ast.Name) and base.id == "Protocol" for base in port.bases)
        for method in port.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    files = (file for folder in PRODUCTION for file in (ROOT / folder).rglob("*.py"))
    used = {name for file in files for name in re.findall(r"\.(\w+)", file.read_text("utf-8"))}

    assert len(methods) > 50
    assert methods - used == set()
