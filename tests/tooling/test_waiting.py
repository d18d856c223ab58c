"""Tests wait for what happens, not for time to pass."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def unreasoned_sleeps(source: str) -> Iterator[int]:
    """The lines that sleep for a time, with no comment there or on the line before.

    `sleep(0)` lets others run and takes no time.
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


def test_whoever_sleeps_says_what_announces_nothing() -> None:
    found = {
        str(path.relative_to(TESTS)): lines
        for path in sorted(TESTS.rglob("*.py"))
        if (lines := list(unreasoned_sleeps(path.read_text())))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("time.sleep(1)", [1]),
        ("await asyncio.sleep(0.05)", [1]),
        ("sleep(seconds)", [1]),
        ("\n\ntime.sleep(1)\n", [3]),
        ("# Nothing tells.\ntime.sleep(1)", []),
        ("time.sleep(1)  # nothing tells", []),
        ("await asyncio.sleep(0)", []),
    ],
)
def test_a_sleep_is_seen(source: str, lines: list[int]) -> None:
    assert list(unreasoned_sleeps(source)) == lines
