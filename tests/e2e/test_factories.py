"""Operators' own adapters: the example in docs/adapters.md, and factories with errors."""

from pathlib import Path

import httpx
import pytest

from tests.support.adapter_runs import documented_adapter, run_contract_tests
from tests.support.forked_service import ForkedService
from tests.support.markdown import PROJECT
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_acme import FakeAcme

FACTORY = "my_sms:open_file_messenger"
ACME_FACTORY = "tests.support.acme_sms:open_acme_messenger"


@pytest.fixture
def my_sms(tmp_path: Path) -> Path:
    """Return a folder with the example of the document."""
    (tmp_path / "my_sms.py").write_text(documented_adapter())
    return tmp_path


def test_the_documented_adapter_passes_the_contract_suite(my_sms: Path) -> None:
    run = run_contract_tests(
        FACTORY, environ={"PYTHONPATH": str(my_sms), "MY_SMS_FILE": str(my_sms / "texts")}
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "passed" in run.stdout
    assert "it has no received()" in run.stdout


def test_another_provider_sends_and_reports_what_became_of_a_message(tmp_path: Path) -> None:
    with FakeAcme() as acme:
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
            assert [acme.post_status(service.url, "delivered", **it) for it in forged] == [403] * 3
            assert http.get(path).json() == {"status": "queued"}
            assert acme.post_status(service.url, "unheard of") == 204
            assert acme.post_status(service.url, "expired", error="handset_off") == 204
            assert http.get(path).json() == {"status": "undelivered", "error_code": "handset_off"}
            assert acme.post_status(service.url, "submitted") == 204
            assert http.get(path).json()["status"] == "undelivered"
        assert service.stop() == 0
