"""The lock of the bind address."""

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from entrypoints.bind import Bind
from entrypoints.server.bind import reserve_bind
from entrypoints.startup_error import StartupError
from tests.support.servers.process import free_ports

USER = os.geteuid()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def bind() -> Bind:
    return Bind("127.0.0.1", free_ports(1)[0])


def test_an_address_is_reserved_once_and_again_after_the_end(folder: Path, bind: Bind) -> None:
    for _ in range(2):
        with reserve_bind(bind):
            with pytest.raises(StartupError, match="DIALTONE_BIND"), reserve_bind(bind):
                pass
            with reserve_bind(Bind(bind.host, free_ports(1)[0])):
                pass

    (private,) = folder.iterdir()
    lock = private / f"{bind}.lock"
    assert private.name == f"dialtone-{USER}-0"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (private, lock)] == [0o700, 0o600]


def make_link(path: Path) -> None:
    target = path.with_name("target")
    target.mkdir()
    path.symlink_to(target)


@pytest.mark.parametrize("take", [Path.touch, make_link])
def test_a_name_that_another_user_has_taken_does_not_block_the_start(
    folder: Path, bind: Bind, take: Callable[[Path], None]
) -> None:
    for number in range(3):
        path = folder / f"dialtone-{USER}-{number}"
        take(path) if number == 1 else path.touch()

    with reserve_bind(bind), pytest.raises(StartupError, match="in use"), reserve_bind(bind):
        pass

    assert [path.name for path in (folder / f"dialtone-{USER}-3").iterdir()] == [f"{bind}.lock"]
    assert not list(folder.glob("target/*"))


def test_a_folder_of_another_user_is_not_used(
    folder: Path, bind: Bind, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "dialtone-12345-0").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)

    with reserve_bind(bind):
        assert not list((folder / "dialtone-12345-0").iterdir())


def test_a_folder_that_cannot_be_written_is_an_error_with_its_fix(
    tmp_path: Path, bind: Bind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))

    with pytest.raises(StartupError, match="TMPDIR"), reserve_bind(bind):
        pass
