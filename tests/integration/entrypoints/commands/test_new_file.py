"""The file that a command writes."""

import os
import signal
import stat
from pathlib import Path

import pytest

from entrypoints.commands.shared.new_file import create_file
from entrypoints.settings.startup_error import CommandError


def test_only_its_owner_can_read_a_file_that_a_command_writes(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    previous = os.umask(0)
    try:
        with create_file(path) as file:
            file.write(b"all data")
    finally:
        os.umask(previous)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == b"all data"


def test_an_existing_file_is_never_changed_also_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "nowhere").symlink_to("new")

    for name in ("file", "link", "nowhere"):
        with pytest.raises(CommandError, match="exists"), create_file(tmp_path / name):
            pass

    assert (tmp_path / "file").read_bytes() == b"mine"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_interrupted_command_leaves_no_file_also_on_a_full_disk(
    tmp_path: Path, number: signal.Signals
) -> None:
    path, handler = tmp_path / "export.zip", signal.getsignal(number)

    def write() -> None:
        with Path("/dev/full").open("wb") as full, create_file(path) as file:
            file.write(b"a part")
            os.dup2(full.fileno(), file.fileno())
            signal.raise_signal(number)

    with pytest.raises(KeyboardInterrupt):
        write()

    assert not path.exists()
    assert signal.getsignal(number) is handler
