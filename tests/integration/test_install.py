"""The installer. Nothing is downloaded: a shell script replaces Python and pip."""

import ast
import runpy
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path
from shutil import copy

import pytest

from entrypoints import install
from entrypoints.install import LOCKS, Venv

PROJECT = Path(install.__file__).parent.parent
REAL_PYTHON = sys.executable
PIP_ERRORS = {
    "download": "ERROR: NewConnectionError: Temporary failure in name resolution",
    "install": "Installing collected packages: anyio\nERROR: No space left on device",
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.fixture
def venv(clone: Path, monkeypatch: pytest.MonkeyPatch) -> Venv:
    """A .venv whose Python writes each call to the file `calls`; `failure` makes it fail."""
    python = clone / "python"
    python.write_text(
        "#!/bin/sh\n"
        f'echo "$*" >> {clone}/calls\n'
        f"cat {clone}/failure 2>/dev/null && exit 1\n"
        f'case "$*" in *venv*) mkdir -p {clone}/.venv/bin && cp {python} {clone}/.venv/bin;; esac\n'
        "exit 0\n"
    )
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    return Venv(clone)


def take_calls(clone: Path) -> str:
    """The calls since the last time."""
    file = clone / "calls"
    calls = file.read_text() if file.exists() else ""
    file.unlink(missing_ok=True)
    return calls


def test_a_second_install_does_nothing(venv: Venv) -> None:
    install.main(venv.root, "run")
    assert "--requirement=requirements.lock\n" in take_calls(venv.root)
    install.main(venv.root, "run")
    assert take_calls(venv.root) == ""


def test_dev_includes_run(venv: Venv) -> None:
    install.main(venv.root, "run")
    assert not venv.is_up_to_date("dev")
    install.main(venv.root, "dev")
    assert venv.is_up_to_date("dev")
    assert venv.is_up_to_date("run")


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.lock"])
def test_a_changed_source_is_installed_into_the_same_venv(venv: Venv, name: str) -> None:
    install.main(venv.root, "run")
    take_calls(venv.root)
    (venv.root / name).write_text("changed")
    install.main(venv.root, "run")
    calls = take_calls(venv.root)
    assert "-m pip install" in calls
    assert "-m venv" not in calls


def test_a_changed_dev_lock_leaves_run_up_to_date(venv: Venv) -> None:
    install.main(venv.root, "dev")
    (venv.root / "requirements-dev.lock").write_text("changed")
    assert venv.is_up_to_date("run")
    assert not venv.is_up_to_date("dev")


def test_an_incomplete_venv_is_made_again(venv: Venv) -> None:
    install.main(venv.root, "run")
    venv.stamp.unlink()
    take_calls(venv.root)
    install.main(venv.root, "run")
    assert "-m venv --clear" in take_calls(venv.root)


@pytest.mark.parametrize("stamp", ["", "of another Python or folder\nrun 0\n"])
def test_a_stamp_of_another_python_or_folder_is_ignored(venv: Venv, stamp: str) -> None:
    install.main(venv.root, "run")
    venv.stamp.write_text(stamp)
    assert venv.installed_digests() == {}


def test_a_venv_without_its_python_is_made_again(venv: Venv) -> None:
    install.main(venv.root, "run")
    venv.python.unlink()
    assert venv.installed_digests() == {}


@pytest.mark.parametrize(("step", "is_complete"), [("download", True), ("install", False)])
def test_a_failed_download_leaves_the_venv_complete(
    venv: Venv, step: str, is_complete: bool
) -> None:
    install.main(venv.root, "run")
    (venv.root / "failure").write_text(PIP_ERRORS[step])
    with pytest.raises(SystemExit):
        install.main(venv.root, "dev")
    assert venv.is_up_to_date("run") is is_complete


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (PIP_ERRORS["download"], "check the network"),
        (PIP_ERRORS["install"], "free about"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "Do not work around it"),
        ("[Errno 30] Read-only file system: '.venv.lock'", "not writable"),
        ("ERROR: something else", "something else"),
    ],
)
def test_an_error_is_shown_with_advice(venv: Venv, error: str, advice: str) -> None:
    (venv.root / "failure").write_text(f"Collecting anyio\n{error}")
    with pytest.raises(SystemExit) as exit_:
        install.main(venv.root, "run")
    assert error in str(exit_.value)
    assert advice in str(exit_.value)
    assert "Collecting" not in str(exit_.value)


def test_all_missing_modules_are_named_with_their_packages(
    venv: Venv, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = ("ensurepip", "_sqlite3")
    monkeypatch.setattr(
        install, "find_spec", lambda name: None if name in missing else find_spec(name)
    )
    with pytest.raises(SystemExit) as exit_:
        install.main(venv.root, "run")
    python = f"python3.{sys.version_info.minor}"
    assert f"ensurepip (Debian, Ubuntu: {python}-venv; Fedora: {python})" in str(exit_.value)
    assert f"sqlite3 (Debian, Ubuntu: lib{python}-stdlib" in str(exit_.value)
    assert take_calls(venv.root) == ""


@pytest.mark.parametrize("version", [(3, 9, 2), (3, 10, 0), (3, 14, 0)])
def test_an_unsupported_python_is_an_error(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int]
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(SystemExit, match=r"3\.11, 3\.12 or 3\.13 is needed.*\n.*python3\.11-venv"):
        runpy.run_path(install.__file__)


@pytest.mark.parametrize("minor", [11, 12, 13])
def test_a_supported_python_is_accepted(monkeypatch: pytest.MonkeyPatch, minor: int) -> None:
    monkeypatch.setattr(sys, "version_info", (3, minor, 0))
    assert runpy.run_path(install.__file__)["PYTHON"] == f"python3.{minor}"


def test_every_place_names_the_same_python_versions() -> None:
    pyproject = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    makefile = (PROJECT / "Makefile").read_text()
    assert pyproject["project"]["requires-python"] == ">=3.11,<3.14"
    assert pyproject["tool"]["mypy"]["python_version"] == "3.11"
    assert (PROJECT / ".python-version").read_text().split() == ["3.11"]
    assert "command -v python3.11 || command -v python3.12 || command -v python3.13" in makefile
    assert "--python-version 3.11 " in makefile
    for name in ("Makefile", "README.md", "entrypoints/install.py"):
        assert "Python 3.11, 3.12 or 3.13" in (PROJECT / name).read_text()


def test_python_3_6_can_parse_the_installer() -> None:
    ast.parse(Path(install.__file__).read_text(), feature_version=(3, 6))


def test_a_second_installer_waits_for_the_first_and_then_does_nothing(venv: Venv) -> None:
    (venv.root / "entrypoints").mkdir()
    script = copy(install.__file__, venv.root / "entrypoints")
    with venv.lock():
        second = subprocess.Popen([REAL_PYTHON, "-I", script], stdout=subprocess.PIPE, text=True)
        assert second.stdout
        assert "waiting" in second.stdout.readline()
        venv.install("run")
    assert second.communicate()[0] == ""
    assert second.returncode == 0


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_contains_no_host_and_no_path(name: str) -> None:
    lines = (PROJECT / name).read_text().splitlines()
    assert [line for line in lines if "://" in line or " @ " in line or line[:2] == "--"] == []


def test_both_locks_pin_the_same_versions() -> None:
    run, dev = (
        {line.split()[0] for line in (PROJECT / name).read_text().splitlines() if line[0] != " "}
        for name in LOCKS["dev"]
    )
    both = {pin.split("==")[0] for pin in run} & {pin.split("==")[0] for pin in dev}
    assert len({pin for pin in run | dev if pin.split("==")[0] in both}) == len(both)


@pytest.mark.parametrize("name", ["domain", "application", "adapters", "entrypoints"])
def test_no_other_installed_distribution_has_a_package_of_this_name(name: str) -> None:
    assert set(packages_distributions().get(name, [])) <= {"dialtone"}
