"""`DIALTONE_SMS` with the hook of the documentation, as a process."""

from pathlib import Path

from tests.e2e.hook_examples import run_example
from tests.support.client import open_client
from tests.support.servers.fake_hook import SECRET
from tests.support.servers.process import free_ports
from tests.support.service import running


def test_the_example_in_javascript_sends_codes_and_reports_their_delivery(
    tmp_path: Path, phone: str
) -> None:
    [port] = free_ports(1)
    output = tmp_path / "hook.out"
    environ = {
        "DIALTONE_SMS": f"http://127.0.0.1:{port}/",
        "DIALTONE_SMS_HOOK_SECRET": SECRET,
        "DIALTONE_COUNTRIES": "US",
    }

    def inbox(number: str) -> list[str]:
        lines = [line.partition(" ") for line in output.read_text().splitlines()]
        return [text for to, _, text in lines if to == number]

    with (
        run_example("sms_hook.mjs", port, output, SMS_HOOK_SECRET=SECRET),
        running(tmp_path / "service", environ, inbox) as service,
        open_client(service) as http,
    ):
        requested = http.post("/auth/request-otp", json={"phone": phone}).json()
        service.wait_until_logged("otp_delivered")
        status = http.get(f"/auth/requests/{requested['request_id']}").json()
        code = service.code(phone)
        verified = http.post("/auth/verify-otp", json={"phone": phone, "otp": code})

    assert status == {"status": "delivered"}
    assert verified.json()["success"] is True
