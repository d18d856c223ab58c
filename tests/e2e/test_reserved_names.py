"""The name of the app, as the operator has set it, is no username."""

from pathlib import Path

import httpx

from tests.e2e.app import bearer
from tests.e2e.test_start import sign_in
from tests.support.forked_service import running
from tests.support.plain_http import PLAIN_HTTP


def test_nobody_can_have_the_name_of_the_app(tmp_path: Path, phone: str) -> None:
    with running(tmp_path, {"DIALTONE_APP_NAME": "Chess Club"}) as service:
        headers = bearer(sign_in(service, phone))
        body = {"username": "CHESSCLUB", "number": phone}
        response = httpx.post(f"{service.url}/users", json=body, headers=headers, **PLAIN_HTTP)

    [error] = response.json()["field_errors"]
    assert (response.status_code, error["field"], error["code"]) == (
        400,
        "username",
        "reserved_name",
    )
