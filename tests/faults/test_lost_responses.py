"""The service is killed in a login, which goes on later.

The unit tests interrupt logins, refreshes and changes of the number at each of their calls. This
test proves that a process that starts needs nothing from the memory of the one before.
"""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.faults.faulty_service import run_faulty_service
from tests.support.client import bearer, open_client

PHONE = {"phone": "+14155600001"}


def test_the_same_code_completes_a_login_whose_session_was_not_saved(tmp_path: Path) -> None:
    with (
        run_faulty_service(tmp_path) as service,
        open_client(service) as http,
    ):
        assert http.post("/auth/request-otp", json=PHONE).json()["sent"] is True
        code = {**PHONE, "otp": service.code(PHONE["phone"]), "refresh": True}
        service.kill_before("identities.add")
        with pytest.raises(httpx.TransportError):
            http.post("/auth/verify-otp", json=code)
        service.kill()
        assert not service.will_be_killed
        service.start()
        service.advance_clock(timedelta(seconds=50))

        tokens = http.post("/auth/verify-otp", json=code).json()

        assert tokens["success"] is True
        headers = bearer(tokens["access_token"])
        assert len(http.get("/auth/sessions", headers=headers).json()["sessions"]) == 1
        assert http.post("/auth/verify-otp", json=code).json()["success"] is False
