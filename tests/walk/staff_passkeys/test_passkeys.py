"""Passkeys of the staff."""

from pathlib import Path

import pytest

from tests.support.walker import walking

pytestmark = pytest.mark.slow


def test_staff_is_asked_for_a_passkey(tmp_path: Path) -> None:
    options = {"DIALTONE_WEB_CONSOLE": "yes", "DIALTONE_PUBLIC_URL": "http://localhost:8000"}
    with walking(tmp_path / "service", **options, DIALTONE_STAFF_PASSKEYS="required") as walker:
        page = walker.http.get("/console/sign-in/passkey")
        assert page.status_code == 200
        assert "passkey" in page.text
