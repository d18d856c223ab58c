"""A FUSE file system that only its services see, and that stops for one process.

`python -m tests.faults.fuse_disk` fails, and says why, if none can be mounted here.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults.disks import unshare_command
from tests.support.servers.process import ServerProcess, ServerUnavailable, find_or_install
from tests.support.service import command


class FuseDisk(ServerProcess):
    """A folder that a FUSE file system shows, in a namespace of its own."""

    name = "FUSE file system"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.mount = folder / "mount"
        self._source = folder / "source"
        self._stopped_for = folder / "stopped_for"
        for each in (self.mount, self._source):
            each.mkdir(parents=True)

    def command(self) -> list[str]:
        find_or_install("fusermount3", "fuse3")
        program = [sys.executable, str(Path(__file__).with_name("fuse_folder.py"))]
        paths = [self._source, self.mount, self._stopped_for]
        # The signal again, which is lost with the rights of a new namespace.
        unshare = [*unshare_command(self.mount), "setpriv", "--pdeathsig=KILL"]
        return [*unshare, *program, *map(str, paths)]

    def is_ready(self) -> bool:
        with suppress(FileNotFoundError):  # it has ended
            return os.path.ismount(f"/proc/{self.pid}/root{self.mount}")
        return False

    def program(self) -> list[str]:
        """Return the program of a service that sees the mounted folder."""
        # Only the namespaces in which it differs from this process.
        namespaces = ["--mount"] if os.geteuid() == 0 else ["--user", "--mount"]
        return ["nsenter", f"--target={self.pid}", "--preserve-credentials", *namespaces, command()]

    def stop_for(self, process_id: int) -> None:
        """Give no response to reads of this process."""
        self._stopped_for.write_text(str(process_id))


def main() -> None:
    try:
        with TemporaryDirectory() as folder, FuseDisk(Path(folder) / "disk"):
            pass
    except (ServerUnavailable, pytest.fail.Exception) as error:
        sys.exit(f"No FUSE file system can be mounted: {error}")


if __name__ == "__main__":
    main()
