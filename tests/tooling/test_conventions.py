"""Conventions of the tests: no sleep without a reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]


def unreasoned_sleeps(source: str) -> Iterator[int]:
    """Yield the lines that sleep without a comment on this line or the one before.

    `sleep(0)` only yields to other tasks.
    """
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)) if "sleep" in source else ():
        match node:
            case ast.Call(func=ast.Attribute(attr="sleep"), args=[ast.Constant(value=0)]):
                continue
            case ast.Call(func=ast.Attribute(attr="sleep") | ast.Name(id="sleep"), lineno=line):
                is_reasoned = "#" in lines[line - 1] or lines[line - 2].strip().startswith("#")
                if not is_reasoned:
                    yield line


def test_each_sleep_has_a_reason() -> None:
    assert list(unreasoned_sleeps("\n\nasyncio.sleep(0.05)\nsleep(seconds)")) == [3, 4]
    assert list(unreasoned_sleeps("# Why.\ntime.sleep(1)\ntime.sleep(1)  # why")) == []
    found = {
        str(path.relative_to(TESTS)): lines
        for path in sorted(TESTS.rglob("*.py"))
        if (lines := list(unreasoned_sleeps(path.read_text())))
    }
    assert found == {}
