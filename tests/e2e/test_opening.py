"""A service that is not ready for requests yet."""

from pathlib import Path

import httpx

from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import ForkedService

SLOW_FILES = """
import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.media.disk import open_disk_files
from adapters.operations.system import SystemClock


@asynccontextmanager
async def open_files(*, environ):
    Path("opening").touch()
    while not Path("open").exists():
        await asyncio.sleep(0.01)
    async with open_disk_files(Path("media"), "https://images.example.org", SystemClock()) as files:
        yield files
"""


def test_the_port_accepts_no_connection_until_everything_is_open(tmp_path: Path) -> None:
    (tmp_path / "slow_files.py").write_text(SLOW_FILES)
    service = ForkedService(tmp_path, {"DIALTONE_MEDIA": "slow_files:open_files"})
    service.launch()

    def get_status() -> int | None:
        assert service.is_running, service.log
        try:
            return httpx.get(f"{service.url}/health/live", **PLAIN_HTTP).status_code
        except httpx.ConnectError:
            return None

    try:
        service.wait_for((tmp_path / "opening").exists)
        assert get_status() is None
        (tmp_path / "open").touch()
        service.wait_for(lambda: get_status() is not None)
        assert get_status() == 200
    finally:
        service.stop()
