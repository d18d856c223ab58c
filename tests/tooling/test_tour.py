"""The tour in CONTRIBUTING.md says what a request does, and its changes fit the code.

tests/wheel/test_tour.py makes the changes.
"""

import re
import subprocess
from pathlib import Path
from shutil import copyfile

import pytest

from tests.support import request_path
from tests.support.markdown import PROJECT
from tests.support.tour import (
    CHANGE,
    CHANGE_OF_ITS_TEST,
    FIELD_DIFF,
    PRINT_REQUEST,
    STOPS,
    apply_field_diff,
)


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


def test_the_changes_of_the_tour_fit_the_code(tmp_path: Path) -> None:
    changed = re.findall(r"^\+\+\+ b/(.+)$", FIELD_DIFF.read_text(encoding="utf-8"), re.MULTILINE)
    for file in {*changed, CHANGE.file, CHANGE_OF_ITS_TEST.file}:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        copyfile(PROJECT / file, tmp_path / file)
    for change in (CHANGE, CHANGE_OF_ITS_TEST):
        change.apply(tmp_path)

    applied = subprocess.run(
        apply_field_diff(tmp_path, "--check"), capture_output=True, text=True, check=False
    )
    assert applied.returncode == 0, f"{applied.stderr}Make {FIELD_DIFF.name} fit the code again."
