"""What the installer decides. Nothing is fetched: a shell script stands in for Python and pip."""

import ast
import runpy
import subprocess
import sys
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path
from shutil import copy

import pytest

from entrypoints import install
from entrypoints.install import LOCKS, Venv

HERE = Path(install.__file__).parent.parent
REAL_PYTHON = sys.executable
WORDS_OF_PIP = {
    "fetched": "ERROR: NewConnectionError: Temporary failure in name resolution",
    "installed": "Installing collected packages: anyio\nERROR: No space left on device",
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.fixture
def venv(clone: Path, monkeypatch: pytest.MonkeyPatch) -> Venv:
    """Where `-m venv` copies the script, and each call is a line in the file `calls`."""
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


def calls(clone: Path) -> str:
    log = clone / "calls"
    said = log.read_text() if log.exists() else ""
    log.unlink(missing_ok=True)
    return said


def test_a_second_call_does_nothing(venv: Venv) -> None:
    install.main(venv.root, "run")
    assert "--requirement=requirements.lock\n" in calls(venv.root)
    install.main(venv.root, "run")
    assert calls(venv.root) == ""


def test_what_tests_need_includes_what_the_service_needs(venv: Venv) -> None:
    install.main(venv.root, "run")
    assert not venv.is_fresh("dev")
    install.main(venv.root, "dev")
    assert venv.is_fresh("dev")
    assert venv.is_fresh("run")


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.lock"])
def test_what_changed_is_installed_into_the_same_venv(venv: Venv, name: str) -> None:
    install.main(venv.root, "run")
    calls(venv.root)
    (venv.root / name).write_text("changed")
    install.main(venv.root, "run")
    said = calls(venv.root)
    assert "-m pip install" in said
    assert "-m venv" not in said


def test_a_change_for_tests_alone_leaves_the_service_as_it_is(venv: Venv) -> None:
    install.main(venv.root, "dev")
    (venv.root / "requirements-dev.lock").write_text("changed")
    assert venv.is_fresh("run")
    assert not venv.is_fresh("dev")


def test_a_half_made_venv_is_made_anew(venv: Venv) -> None:
    install.main(venv.root, "run")
    venv.stamp.unlink()
    calls(venv.root)
    install.main(venv.root, "run")
    assert "-m venv --clear" in calls(venv.root)


@pytest.mark.parametrize("stamp", ["", "of another Python or folder\nrun 0\n"])
def test_a_stamp_that_is_not_of_here_counts_for_nothing(venv: Venv, stamp: str) -> None:
    install.main(venv.root, "run")
    venv.stamp.write_text(stamp)
    assert venv.holds() == {}


def test_a_venv_whose_python_is_gone_is_made_anew(venv: Venv) -> None:
    install.main(venv.root, "run")
    venv.python.unlink()
    assert venv.holds() == {}


@pytest.mark.parametrize(("until", "whole"), [("fetched", True), ("installed", False)])
def test_a_failure_spoils_only_what_it_touched(venv: Venv, until: str, whole: bool) -> None:
    install.main(venv.root, "run")
    (venv.root / "failure").write_text(WORDS_OF_PIP[until])
    with pytest.raises(SystemExit):
        install.main(venv.root, "dev")
    assert venv.is_fresh("run") is whole


@pytest.mark.parametrize(
    ("words", "todo"),
    [
        (WORDS_OF_PIP["fetched"], "look at the network"),
        (WORDS_OF_PIP["installed"], "make room"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "Do not go round it"),
        ("[Errno 30] Read-only file system: '.venv.lock'", "one of your own"),
        ("ERROR: something else", "something else"),
    ],
)
def test_an_error_is_shown_whole_with_what_to_do(venv: Venv, words: str, todo: str) -> None:
    (venv.root / "failure").write_text(f"Collecting anyio\n{words}")
    with pytest.raises(SystemExit) as refusal:
        install.main(venv.root, "run")
    assert words in str(refusal.value)
    assert todo in str(refusal.value)
    assert "Collecting" not in str(refusal.value)


def test_every_missing_piece_is_named_at_once(venv: Venv, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = ("ensurepip", "_sqlite3")
    monkeypatch.setattr(install, "find_spec", lambda n: None if n in absent else find_spec(n))
    with pytest.raises(SystemExit) as refusal:
        install.main(venv.root, "run")
    assert "ensurepip (Debian, Ubuntu: python3.11-venv; Fedora: python3.11)" in str(refusal.value)
    assert "sqlite3 (Debian, Ubuntu: libpython3.11-stdlib" in str(refusal.value)
    assert calls(venv.root) == ""


def test_another_python_is_told_which_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match=r"Python 3\.11 is needed.*\n.*python3\.11-venv"):
        runpy.run_path(install.__file__)


def test_an_older_python_can_read_it() -> None:
    ast.parse(Path(install.__file__).read_text(), feature_version=(3, 6))


def test_a_second_install_waits_for_the_first_and_finds_its_work_done(venv: Venv) -> None:
    (venv.root / "entrypoints").mkdir()
    script = copy(install.__file__, venv.root / "entrypoints")
    with venv.alone():
        second = subprocess.Popen([REAL_PYTHON, "-I", script], stdout=subprocess.PIPE, text=True)
        assert second.stdout
        assert "waiting" in second.stdout.readline()
        venv.install("run")
    assert second.communicate()[0] == ""
    assert second.returncode == 0


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_no_host_and_no_folder(name: str) -> None:
    lines = (HERE / name).read_text().splitlines()
    assert [line for line in lines if "://" in line or " @ " in line or line[:2] == "--"] == []


def test_both_locks_pin_the_same_versions() -> None:
    run, dev = (
        {line.split()[0] for line in (HERE / name).read_text().splitlines() if line[0] != " "}
        for name in LOCKS["dev"]
    )
    both = {pin.split("==")[0] for pin in run} & {pin.split("==")[0] for pin in dev}
    assert len({pin for pin in run | dev if pin.split("==")[0] in both}) == len(both)


@pytest.mark.parametrize("name", ["domain", "application", "adapters", "entrypoints"])
def test_nothing_else_that_is_installed_has_one_of_our_names(name: str) -> None:
    assert set(packages_distributions().get(name, [])) <= {"dialtone"}
