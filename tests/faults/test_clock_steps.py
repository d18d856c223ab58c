"""The clock of the service steps back or forward."""

from datetime import timedelta
from pathlib import Path

import httpx

from tests.faults.faulty_service import run_faulty_service
from tests.support.client import sign_in, sign_up, upload_item
from tests.support.images import transparent_png
from tests.support.plain_http import PLAIN_HTTP

HOUR = timedelta(hours=1)
PHONE = "+14155570001"


async def test_a_step_stops_no_login_ends_no_session_and_hides_no_item(tmp_path: Path) -> None:
    with run_faulty_service(tmp_path) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=30, **PLAIN_HTTP) as http:
            account = sign_up(service, PHONE)
            item = upload_item(service, account, transparent_png())
            # Back, and then forward again.
            for offset, number in ((-HOUR, 2), (timedelta(0), 4)):
                await http.post("/auth/request-otp", json={"phone": PHONE})
                body = {"phone": PHONE, "otp": service.code(PHONE, number)}

                service.set_clock_offset(offset)

                verified = await http.post("/auth/verify-otp", json=body)
                assert verified.json()["success"] is False
                sign_in(service, PHONE)
                assert (await http.get("/users/me", headers=account.headers)).status_code == 200
                cleanup = service.run("cleanup")
                assert cleanup.returncode == 0, cleanup.stderr
                assert (await http.get(item["url"])).status_code == 200
