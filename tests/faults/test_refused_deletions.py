"""The file of an image that was deleted while the store was down is gone within a minute."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.app import App
from tests.support.images import animated_gif
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.s3 import S3Process
from tests.support.service import Service, running

MAX_SECONDS = 60.0
PREFIX = "refused"


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[S3Process]:
    with S3Process(tmp_path / "s3") as server:
        yield server


@pytest.fixture
def service(s3: S3Process, tmp_path: Path) -> Iterator[Service]:
    environ = {
        "DIALTONE_MEDIA": f"s3://{s3.server.bucket}/{PREFIX}",
        "DIALTONE_CLEANUP_INTERVAL": "15m",
        **s3.server.environ(),
    }
    with running(tmp_path, environ) as service:
        yield service


async def test_a_refused_deletion_is_retried_within_a_minute_also_after_a_kill(
    s3: S3Process, service: Service
) -> None:
    async with httpx.AsyncClient(base_url=service.url, timeout=60, **PLAIN_HTTP) as http:
        app = App(service, http)
        account = await app.sign_up("+14155550102")
        item = await app.upload_item(account, animated_gif())
        s3.stop()
        deleted = await http.delete(f"/library/{item['id']}", headers=account.headers)
        assert deleted.status_code == 204
    service.kill()
    s3.start()
    assert len(s3.server.keys(PREFIX)) == 1
    # Before, the second worker might start while the store is down, which ends the service.
    service.settings["DIALTONE_WORKERS"] = "2"
    service.start()

    deadline = time.monotonic() + MAX_SECONDS
    while s3.server.keys(PREFIX):
        assert time.monotonic() < deadline
        time.sleep(0.5)  # noqa: ASYNC251 - nothing else runs meanwhile

    service.stop()
    assert service.log.count('"event": "file_deletion_retried"') == 1
