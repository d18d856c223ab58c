"""Conventions of the tests: no sleep without a reason, and the list of slow files is valid."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.long_files import LONG_FILES

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
        ("\n\nsleep(seconds)\n", [3]),
        ("# There is no event.\ntime.sleep(1)", []),
        ("time.sleep(1)  # there is no event", []),
        ("await asyncio.sleep(0)", []),
    ],
)
def test_sleeps_without_a_reason_are_found(source: str, lines: list[int]) -> None:
    assert list(unreasoned_sleeps(source)) == lines


def test_each_long_file_exists() -> None:
    assert {path.stem for path in TESTS.rglob("test_*.py")} >= LONG_FILES
