"""Which unit tests `make check-fast` runs."""

import subprocess
from pathlib import Path

import pytest

from tests.tooling.changed_tests import UNIT_TESTS, choose_tests, find_changed_files


# The graph of all imports takes a second.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "chosen"),
    [
        pytest.param("domain/phone.py", "application/otp/test_request_otp.py", id="indirectly"),
        pytest.param(
            "tests/unit/domain/otp/conftest.py", "domain/otp/test_attempts.py", id="fixtures"
        ),
        pytest.param("tests/unit/golden/records_3.json", "test_records.py", id="a file beside it"),
        pytest.param(
            ".env.example",
            "entrypoints/composition/test_fields.py",
            id="a file that it names",
        ),
        pytest.param("docs/new.md", "test_documentation.py", id="one of all pages"),
    ],
)
def test_a_change_runs_the_tests_that_it_may_break(changed: str, chosen: str) -> None:
    assert UNIT_TESTS / chosen in choose_tests([Path(changed)])


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["entrypoints/http/users.py", "docs/abuse.md"])
def test_a_change_runs_no_test_that_imports_and_names_nothing_of_it(changed: str) -> None:
    assert UNIT_TESTS / "adapters/calls/test_twiml_markup.py" not in choose_tests([Path(changed)])


def test_a_change_of_the_configuration_runs_all_unit_tests() -> None:
    assert choose_tests([Path("pyproject.toml")]) == sorted(UNIT_TESTS.rglob("test_*.py"))


def test_changes_are_those_since_main_committed_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)

    monkeypatch.chdir(tmp_path)
    git("init", "--initial-branch=main")
    for name in ("unchanged", "committed", "edited", "deleted"):
        Path(name).write_text("before")
    git("add", ".")
    git("commit", "-m", "main")
    git("checkout", "-b", "branch")
    Path("committed").write_text("after")
    git("commit", "-am", "branch")
    Path("edited").write_text("after")
    Path("deleted").unlink()
    Path("a new one").touch()
    assert find_changed_files() == {
        Path(name) for name in ("committed", "edited", "deleted", "a new one")
    }
