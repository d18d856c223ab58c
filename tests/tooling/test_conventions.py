"""Conventions of the tests: no sleep without a reason, no import from tests of another folder."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
_TEST_MODULES = re.compile(r"^from (tests\.[\w.]*\btest_\w+) import ", re.MULTILINE)


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


def test_no_file_imports_the_tests_of_another_folder() -> None:
    found = {
        f"{path.relative_to(TESTS)}: {module}"
        for path in TESTS.rglob("*.py")
        for module in _TEST_MODULES.findall(path.read_text())
        # The contract suites are for all adapters, and a feature's tests are below the core's.
        if not module.startswith("tests.contract.suites.")
        and TESTS.parent.joinpath(*module.split(".")[:-1]) not in path.parents
    }
    assert found == set()
