"""Operators' own adapters: the example in docs/adapters.md, and factories with errors."""

import json
import time
from pathlib import Path

import httpx
import pytest

from tests.contract.examples.acme_signature import sign_callback
from tests.contract.examples.acme_sms.server import SECRET, AcmeServer
from tests.support.adapter_runs import documented_adapter, run_contract_tests
from tests.support.forked_service import ForkedService
from tests.support.markdown import PROJECT
from tests.support.plain_http import PLAIN_HTTP

FACTORY = "my_sms:open_file_messenger"
ACME_FACTORY = "tests.contract.examples.acme_sms:open_acme_messenger"


def post_status(
    acme: AcmeServer,
    base_url: str,
    state: str,
    *,
    secret: str = SECRET,
    age: int = 0,
    error: str = "",
) -> int:
    """Post the status of the last message, and return the status of the response."""
    url = acme.messages[-1]["callback"]
    body = json.dumps({"state": state, "error": error}).encode()
    timestamp = str(int(time.time()) - age)
    headers = {
        "Content-Type": "application/json",
        "X-Acme-Timestamp": timestamp,
        "X-Acme-Signature": sign_callback(secret, timestamp, url, body),
    }
    path = url.removeprefix("https://dialtone.example.org")
    return httpx.post(f"{base_url}{path}", content=body, headers=headers).status_code


@pytest.fixture
def my_sms(tmp_path: Path) -> Path:
    """Return a folder with the example of the document."""
    (tmp_path / "my_sms.py").write_text(documented_adapter())
    return tmp_path


def test_the_documented_adapter_passes_the_contract_suite(my_sms: Path) -> None:
    run = run_contract_tests(
        FACTORY,
        "messages",
        "--dialtone-partial",
        environ={"PYTHONPATH": str(my_sms), "MY_SMS_FILE": str(my_sms / "texts")},
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "passed" in run.stdout
    assert "no helper received(): 5 promises unproven" in run.stdout


def test_another_provider_sends_and_reports_what_became_of_a_message(tmp_path: Path) -> None:
    with AcmeServer() as acme:
        settings = {
            "DIALTONE_SMS": ACME_FACTORY,
            "DIALTONE_COUNTRIES": "US",
            "DIALTONE_PUBLIC_URL": "https://dialtone.example.org",
            "PYTHONPATH": str(PROJECT),
            **acme.environ,
        }
        service = ForkedService(tmp_path, settings).start()
        with httpx.Client(base_url=service.url, **PLAIN_HTTP) as http:
            requested = http.post("/auth/request-otp", json={"phone": "+14155590010"}).json()
            path = f"/auth/requests/{requested['request_id']}"
            forged = {"secret": "another"}, {"age": 600}, {"age": -600}
            assert [post_status(acme, service.url, "delivered", **it) for it in forged] == [403] * 3
            assert http.get(path).json() == {"status": "queued"}
            assert post_status(acme, service.url, "unheard of") == 204
            assert post_status(acme, service.url, "expired", error="handset_off") == 204
            assert http.get(path).json() == {"status": "undelivered", "error_code": "handset_off"}
            assert post_status(acme, service.url, "submitted") == 204
            assert http.get(path).json()["status"] == "undelivered"
        assert service.stop() == 0
