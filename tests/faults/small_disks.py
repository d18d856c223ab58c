"""A service that lives on disks of its own, which can be filled and freed while it runs."""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.faults.namespaces import way_to
from tests.support.service import Service, command

_PAGE: Final = 4096


class ServiceOnDisks(Service):
    """It alone sees these disks, each of so many bytes; they go with it.

    With `log` its log goes to that file instead of to whoever started it.
    """

    def __init__(
        self,
        folder: Path,
        disks: Mapping[Path, str],
        environ: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        for disk in disks:
            disk.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, environ, program=_program(disks, log))

    def inside(self, path: Path) -> Path:
        """The path as the service sees it."""
        return Path(f"/proc/{self.pid}/root{path}")

    def fill(self, disk: Path, leaving: int = 0) -> None:
        """Leave so many bytes free on the disk, a multiple of its pages."""
        with (self.inside(disk) / "ballast").open("wb", buffering=0) as ballast:
            with suppress(OSError):
                while ballast.write(bytes(_PAGE)):
                    pass
            ballast.truncate(ballast.tell() - leaving)

    def free(self, disk: Path) -> None:
        """Give back what was filled."""
        (self.inside(disk) / "ballast").unlink()


def _program(disks: Mapping[Path, str], log: Path | None) -> Sequence[str]:
    mounts = [
        shlex.join(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)])
        for disk, size in disks.items()
    ]
    redirection = f"2>{shlex.quote(str(log))}" if log else ""
    script = "\n".join([*mounts, f'exec "$@" {redirection}'])
    return [*way_to(next(iter(disks))), "sh", "-ec", script, "sh", command()]
