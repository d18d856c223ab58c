"""A disk that becomes full: only writes fail, and nothing is lost.

The service sees a mount of its own, which ends with it.
"""

import shlex
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.support.client import open_client, sign_up, upload_form, upload_item
from tests.support.images import still_gif
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, command

PAGE_SIZE: Final = 4096
_UNSHARE_COMMANDS: Final = (
    ("unshare", "--mount"),
    ("unshare", "--user", "--map-root-user", "--mount"),
)
_CANNOT_MOUNT: Final = (
    "This test mounts a disk, which is not permitted. Run it as root, or allow user namespaces "
    "(kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0). "
    "Tried: {tried}"
)


def _unshare_command(disk: Path) -> list[str]:
    """Return the command that runs another one with mounts that nobody else sees."""
    if not (shutil.which("unshare") and shutil.which("mount")):
        pytest.fail("This test needs `unshare` and `mount` (package util-linux).")
    tried = []
    for unshare in _UNSHARE_COMMANDS:
        completed = subprocess.run(
            [*unshare, *_mount(disk, "1m")], capture_output=True, text=True, check=False, timeout=60
        )
        if completed.returncode == 0:
            return [*unshare]
        tried.append(f"{shlex.join(unshare)}: {completed.stderr.strip()}")
    pytest.fail(_CANNOT_MOUNT.format(tried="; ".join(tried)))


def _mount(disk: Path, size: str) -> list[str]:
    return ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]


class ServiceOnDisk(Service):
    """A service with a disk that only it sees, of a size like `64m`."""

    def __init__(self, folder: Path, disk: Path, size: str, environ: Mapping[str, str]) -> None:
        script = f'{shlex.join(_mount(disk, size))}\nexec "$@"'
        program = [*_unshare_command(disk), "sh", "-ec", script, "sh", command()]
        super().__init__(folder, environ, program=program)
        self._disk = disk

    @property
    def _ballast(self) -> Path:
        return Path(f"/proc/{self.pid}/root{self._disk}/ballast")

    def fill(self, free_percent: float = 0) -> None:
        """Fill the disk, up to what is left free."""
        with self._ballast.open("ab", buffering=0) as ballast, suppress(OSError):
            while self._free_percent() > free_percent and ballast.write(bytes(PAGE_SIZE)):
                pass

    def _free_percent(self) -> float:
        usage = shutil.disk_usage(self._ballast)
        return 100 * usage.free / usage.total

    def free(self) -> None:
        """Free what was filled."""
        self._ballast.unlink()


def test_a_full_disk_fails_only_writes_and_only_while_it_is_full(tmp_path: Path) -> None:
    (disk := tmp_path / "disk").mkdir()
    environ = {
        "DIALTONE_DATABASE": f"sqlite:///{disk}/dialtone.db",
        "DIALTONE_MEDIA": f"file://{disk}/media",
        "TMPDIR": str(disk),
    }
    service = ServiceOnDisk(tmp_path / "service", disk, "64m", environ).start()

    def is_ready(status_code: int, **parts: str) -> bool:
        response = httpx.get(f"{service.url}/health/ready", **PLAIN_HTTP)
        return response.status_code == status_code and parts.items() <= response.json().items()

    try:
        account = sign_up(service, "+14155550101")
        item = upload_item(service, account, still_gif())
        assert is_ready(200, status="ready", database="ok", media="ok", disk="ok")
        service.fill(free_percent=4)
        service.wait_for(lambda: is_ready(200, status="ready", media="ok", disk="low"))
        service.wait_until_logged("disk_space_low")

        service.fill()
        full = {"media": "the disk is full", "disk": "low"}
        service.wait_for(lambda: is_ready(503, status="unavailable", **full))
        with open_client(service, account.headers) as http:
            # What the database has left is used first.
            renames = (
                http.patch("/users/me", json={"username": f"Asha {number}"}).status_code
                for number in range(1000)
            )
            assert next(status for status in renames if status != 200) == 503
            name = http.get("/users/me").json()["username"]
            form = upload_form(account, still_gif())
            assert http.post("/library/upload", **form).status_code in (500, 503)
            assert http.get(item["url"]).status_code == 200

            service.free()
            service.wait_for(lambda: is_ready(200, status="ready", media="ok", disk="ok"))
            assert http.get("/users/me").json()["username"] == name
            assert http.patch("/users/me", json={"username": "Asha"}).status_code == 200
            upload_item(service, account, still_gif())
    finally:
        service.kill()
