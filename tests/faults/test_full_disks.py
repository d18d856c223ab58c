"""Disks that become full or read-only: only writes fail, and nothing is lost."""

import sys
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.faults.disks import Command, ServiceOnDisk, fill, make_read_only, run_with_disk
from tests.support.client import open_client, sign_up, upload_form, upload_item
from tests.support.images import still_gif
from tests.support.keys import create_secrets_file
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import command

ROTATE: Final = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from adapters.security.keys.rotation import rotate_secrets_file
from application.ports.errors import ConfigurationError
path = Path(sys.argv[1])
try:
    rotate_secrets_file(path, datetime.now(UTC) + timedelta(seconds=1), {})
    print("rotated")
except ConfigurationError as error:
    print(error)
print(path.read_text() == Path(sys.argv[2]).read_text(), *sorted(path.parent.glob("*s*")))
"""


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """The folder where a test mounts a disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder


def test_a_full_disk_fails_only_writes_and_only_while_it_is_full(
    disk: Path, tmp_path: Path
) -> None:
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


def test_a_database_on_a_disk_that_became_full_or_read_only_is_an_error_that_says_so(
    disk: Path,
) -> None:
    path = disk / "dialtone.db"
    settings = (
        f"DIALTONE_DATABASE=sqlite:///{path} DIALTONE_MEDIA=file://{disk.parent}/media "
        f"DIALTONE_SECRETS_FILE={disk.parent}/keys.json"
    )
    migrate, clean_up = (
        ["sh", "-c", f"{settings} {command()} {name} 2>&1 | tail -n 1"]
        for name in ("migrate", "cleanup")
    )
    free: Command = ["rm", f"{disk}/ballast"]

    created, full, again, read_only = run_with_disk(
        disk, "1m", migrate, fill(disk), clean_up, free, clean_up, make_read_only(disk), clean_up
    )

    assert "error" not in created + again
    assert f"The disk that holds {path} is full: free some space and start again." in full
    assert f"{path} cannot be written: " in read_only


def test_a_rotation_on_a_full_or_read_only_disk_leaves_the_file(disk: Path, tmp_path: Path) -> None:
    secrets, path = tmp_path / "secrets.json", disk / "secrets.json"
    create_secrets_file(secrets)
    rotate = [sys.executable, "-c", ROTATE, str(path), str(secrets)]

    full, unchanged, read_only, still_unchanged = run_with_disk(
        disk,
        "64k",
        ["cp", str(secrets), str(path)],
        fill(disk),
        rotate,
        make_read_only(disk),
        rotate,
    )

    assert f"{path} cannot be replaced: [Errno 28] No space left on device" in full
    assert f"{path} is mounted (Read-only file system)" in read_only
    for line in (unchanged, still_unchanged):
        assert line == f"True {disk}/ballast {path}"
