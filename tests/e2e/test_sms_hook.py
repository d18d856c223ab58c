"""`DIALTONE_SMS` with the hook of the documentation, as a process."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from tests.support.client import open_client
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_hook import SECRET
from tests.support.servers.process import find_or_install, free_ports, wait_until
from tests.support.service import running

EXAMPLE: Final = Path(__file__).parents[2] / "docs/deploy/sms_hook.mjs"


@contextmanager
def run_example(port: int, output: Path) -> Iterator[None]:
    node = find_or_install("node", "nodejs")
    environ = {"PATH": os.environ["PATH"], "PORT": str(port), "SMS_HOOK_SECRET": SECRET}
    with (
        output.open("wb") as printed,
        subprocess.Popen(
            [node, EXAMPLE], env=environ, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed
        ) as process,
    ):
        try:
            wait_until(lambda: responds(port), explain=output.read_text)
            yield
        finally:
            process.kill()


def responds(port: int) -> bool:
    try:
        return httpx.head(f"http://127.0.0.1:{port}", **PLAIN_HTTP).status_code == 401
    except httpx.TransportError:
        return False


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
        run_example(port, output),
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
