"""`make install` and `make install-dev`. Nothing is downloaded: a shell script replaces Python."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import copy

import pytest

PROJECT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")
NEEDED = "Python 3.11, 3.12 or 3.13"
PYTHON = """#!/bin/sh
case "$*" in
    -V*) cat version; exit ;;
    *import*) cat unusable 2> /dev/null && exit 1; exit 0 ;;
esac
echo "$*" >> calls
case "$*" in
    *"-m venv"*) rm -rf .venv; mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
    *"$(cat failing 2> /dev/null || echo nothing)"*) echo "ERROR: no network"; exit 1 ;;
esac
"""

Make = Callable[[str], str]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder whose `python` writes its calls to `calls`; `failing` is the call that fails."""
    copy(PROJECT / "Makefile", tmp_path)
    for name in ("pyproject.toml", *LOCKS, "version"):
        (tmp_path / name).write_text(name)
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    return tmp_path


@pytest.fixture
def make(clone: Path) -> Make:
    """Returns the output, and "failed" after that of a failure."""
    # The tests may run in a `make test`, whose variables would be those of this make.
    environ = {name: value for name, value in os.environ.items() if "MAKE" not in name}

    def make(target: str) -> str:
        made = subprocess.run(
            ["/usr/bin/env", "make", f"PYTHON={clone}/python", target],
            cwd=clone,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return made.stdout + "failed" * (made.returncode != 0)

    return make


def take_calls(clone: Path) -> str:
    """The calls since the last time."""
    file = clone / "calls"
    calls = file.read_text() if file.exists() else ""
    file.unlink(missing_ok=True)
    return calls


@pytest.mark.slow
def test_a_second_install_does_nothing(clone: Path, make: Make) -> None:
    assert "failed" not in make("install")
    venv, packages, project, libraries, bytecode = take_calls(clone).splitlines()
    assert "-m venv --clear .venv" in venv
    assert packages.endswith("--require-hashes --requirement=requirements.lock")
    assert libraries.endswith("-m compileall -qq -j 0 .venv/lib")
    assert project.endswith("--no-deps --no-build-isolation --editable .")
    assert "-m compileall -q adapters application domain" in bytecode
    assert "failed" not in make("install")
    assert take_calls(clone) == ""


@pytest.mark.slow
def test_a_changed_source_is_installed_into_the_same_venv(clone: Path, make: Make) -> None:
    name = "requirements.lock"
    make("install")
    take_calls(clone)
    (clone / name).write_text("changed")
    make("install")
    calls = take_calls(clone)
    assert "-m pip install" in calls
    assert "-m venv" not in calls


@pytest.mark.slow
def test_the_next_install_repairs_one_that_failed(clone: Path, make: Make) -> None:
    make("install")
    (clone / "failing").write_text("--editable")
    output = make("install-dev")
    assert "ERROR: no network" in output
    assert output.endswith("failed")
    assert not list(clone.glob(".venv/installed-*"))
    (clone / "failing").unlink()
    take_calls(clone)
    make("install")
    assert "-m venv --clear" in take_calls(clone)


@pytest.mark.slow
def test_an_unusable_python_is_an_error_that_names_the_packages(clone: Path, make: Make) -> None:
    (clone / "unusable").write_text("No module named 'ensurepip'")
    (clone / "version").write_text("Python 3.9.2")
    output = make("install")
    for part in ("'ensurepip'", NEEDED, "Python 3.9.2", "python3.11-venv", "dnf install", "failed"):
        assert part in output
    assert take_calls(clone) == ""


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_contains_no_host_and_no_path(name: str) -> None:
    lines = (PROJECT / name).read_text().splitlines()
    assert [line for line in lines if "://" in line or " @ " in line or line[:2] == "--"] == []


def test_both_locks_pin_the_same_versions() -> None:
    run, dev = (
        {line.split()[0] for line in (PROJECT / name).read_text().splitlines() if line[0] != " "}
        for name in LOCKS
    )
    both = {pin.split("==")[0] for pin in run} & {pin.split("==")[0] for pin in dev}
    assert len({pin for pin in run | dev if pin.split("==")[0] in both}) == len(both)
