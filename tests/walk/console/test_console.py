"""The web console."""

from pathlib import Path

import pytest

from tests.support.walker import walking

pytestmark = pytest.mark.slow


def test_an_administrator_finds_the_console(tmp_path: Path) -> None:
    with walking(tmp_path / "service", DIALTONE_WEB_CONSOLE="yes") as walker:
        page = walker.http.get("/console", follow_redirects=True)
        assert page.status_code == 200
        assert "<form" in page.text
