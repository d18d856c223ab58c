"""The tour in CONTRIBUTING.md says what a request does, and its changes do what it says."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Final

import pytest

from tests.support.markdown import PROJECT
from tests.tooling import request_path
from tests.tooling.tour import (
    CHANGE,
    CHANGE_OF_ITS_TEST,
    FIELD_DIFF,
    PRINT_REQUEST,
    RUN_FIELD_TESTS,
    RUN_TEXT_TEST,
    STOPS,
    apply_field_diff,
)

pytestmark = pytest.mark.slow

PACKAGES: Final = ("adapters", "application", "domain", "entrypoints")
IGNORED: Final = ignore_patterns("node_modules", "benchmarks")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the tour needs of the project. Bytecode is valid for files that keep their time."""
    folder = tmp_path / "copy"
    for part in (*PACKAGES, "tests", "docs"):
        copytree(PROJECT / part, folder / part, ignore=IGNORED)
    for file in ("pyproject.toml", ".env.example"):
        (folder / file).write_bytes((PROJECT / file).read_bytes())
    return folder


def run_module(folder: Path, arguments: Sequence[str], *, code: int = 0) -> str:
    """Run `python -m` in the copy, whose modules come before the installed ones."""
    run = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == code, run.stdout + run.stderr
    return run.stdout


def test_the_request_enters_the_listed_functions_in_this_order(
    capsys: pytest.CaptureFixture[str],
) -> None:
    module, *arguments = PRINT_REQUEST
    assert module == request_path.__name__
    request_path.main(arguments)
    *lines, _, response = capsys.readouterr().out.splitlines()
    path = [tuple(line.split()) for line in lines]

    assert response.startswith('200 {"_id":')
    assert '"username":"Asha Rao"' in response
    assert STOPS
    assert [stop for stop in path if stop in STOPS] == STOPS


def test_a_changed_text_fails_one_test_until_that_changes_too(copy: Path) -> None:
    CHANGE.apply(copy)
    failed = run_module(copy, RUN_TEXT_TEST, code=1)
    for shown in ("1 failed", *(line.split('"')[1] for line in (CHANGE.old, CHANGE.new))):
        assert shown in failed

    CHANGE_OF_ITS_TEST.apply(copy)
    run_module(copy, RUN_TEXT_TEST)


def test_the_tests_of_an_added_field_pass(copy: Path) -> None:
    applied = subprocess.run(apply_field_diff(copy), capture_output=True, text=True, check=False)
    assert applied.returncode == 0, f"{applied.stderr}Make {FIELD_DIFF.name} fit the code again."
    description = run_module(copy, ["entrypoints.composition.openapi"])
    assert '"renamed_at"' in description
    (copy / "docs/openapi.json").write_text(description, encoding="utf-8")

    run_module(copy, RUN_FIELD_TESTS)
