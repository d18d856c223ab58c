"""Webhooks: what is authentic, that everything else is a 403, and what callers hear of failures."""

import base64
import hmac
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

import httpx
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from adapters.messages.twilio.signatures import TwilioSignatures
from application.ports.errors import StorageUnavailable
from application.ports.webhooks import SignatureCoverage
from domain.features.voice.instructions import HangUp, Say, Voice
from entrypoints.features.voice.feature import VOICE
from tests.integration.entrypoints.http.features.voice.webhooks import (
    ACCOUNT,
    CALL_PATHS,
    CALLER,
    FORM,
    PATHS,
    PUBLIC_URL,
    REPORT_ID,
    REPORT_PATHS,
    WebhookDriver,
    open_webhooks,
    without,
)
from tests.support import twiml
from tests.support.servers.fake_twilio.server import sign_webhook

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def driver() -> AsyncIterator[WebhookDriver]:
    async with open_webhooks() as opened:
        yield opened


def assert_rejected(response: httpx.Response) -> None:
    assert (response.status_code, response.content) == (403, b"")


async def test_a_signed_request_gets_markup_or_no_content_and_others_nothing(
    driver: WebhookDriver,
) -> None:
    for path in PATHS:
        response = await driver.post(path)
        if path in CALL_PATHS:
            assert response.status_code == 200
            twiml.validate(response.text)
            assert response.headers["content-type"] == "text/xml; charset=utf-8"
        else:
            assert (response.status_code, response.content) == (204, b"")
        for signature in (None, ""):
            assert_rejected(await driver.send(path, urlencode(FORM).encode(), signature))
        assert_rejected(await driver.post(path, token="another-token"))


async def test_no_header_changes_the_url_that_is_signed(driver: WebhookDriver) -> None:
    signed_url = "http://attacker.example/app/voice"
    parts = httpx.URL(signed_url)
    forged = {
        "Host": parts.netloc.decode(),
        "X-Forwarded-Host": parts.netloc.decode(),
        "X-Forwarded-Proto": parts.scheme,
        "X-Forwarded-Prefix": "",
        "X-Original-URL": signed_url,
        "Forwarded": f"host={parts.host};proto={parts.scheme}",
        "Origin": "https://evil.example",
        "Sec-Fetch-Site": "cross-site",
    }

    assert_rejected(await driver.post("/voice", signed_url=signed_url, headers=forged))
    assert (await driver.post("/voice", headers=forged)).status_code == 200


@pytest.mark.parametrize(
    ("path", "normalized"),
    [
        ("/v%6Fice", "/voice"),
        ("/voice?b=1&a=&b=2", "/voice?a=&b=1&b=2"),
    ],
)
async def test_path_and_query_are_signed_as_they_arrive(
    driver: WebhookDriver, path: str, normalized: str
) -> None:
    assert (await driver.post(path)).status_code == 200
    assert_rejected(await driver.post(path, signed_url=PUBLIC_URL + normalized))


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"a=1&" * 600, "application/x-www-form-urlencoded"),
        (b"a=" + b"1" * 70_000, "application/x-www-form-urlencoded"),
        (urlencode(FORM).encode(), "application/json"),
    ],
    ids=["encoding", "many fields", "large", "media type"],
)
async def test_a_malformed_body_is_rejected(
    driver: WebhookDriver, content: bytes, media_type: str
) -> None:
    for path in ("/voice", "/sms/status"):
        for form in ((), FORM):
            signature = sign_webhook("the-token", PUBLIC_URL + path, form)
            assert_rejected(await driver.send(path, content, signature, media_type))


@pytest.mark.parametrize("odd", [b"Jos\xe9", b"%ED%A0%BD%00+"])
async def test_a_form_is_signed_by_its_bytes_also_where_they_are_not_utf8(
    driver: WebhookDriver, odd: bytes
) -> None:
    form = urlencode(FORM).encode().replace(b"Digits=", b"SpeechResult=" + odd)
    form += b"&ProfileName=" + odd
    for path in PATHS:
        values = sorted(unquote_to_bytes(pair.replace(b"+", b" ")) for pair in form.split(b"&"))
        signed = b"".join(value.replace(b"=", b"", 1) for value in values)
        mac = hmac.digest(b"the-token", f"{PUBLIC_URL}{path}".encode() + signed, "sha1")
        signature = base64.b64encode(mac).decode()

        response = await driver.send(path, form, signature)

        assert response.status_code in {200, 204}
        assert_rejected(await driver.send(path, form + b"%E9", signature))


@pytest.mark.parametrize("call_id", ["", "C" * 201])
async def test_without_the_id_of_a_call_there_is_no_call(
    driver: WebhookDriver, call_id: str
) -> None:
    form = [*without(FORM, "CallSid"), *([("CallSid", call_id)] if call_id else [])]
    for path in (*CALL_PATHS, "/voice/status"):
        with capture_logs() as logs:
            assert_rejected(await driver.post(path, form))
        assert (logs[0]["event"], logs[0]["reason"]) == ("webhook_rejected", "it names no call")


async def test_a_rejected_request_is_logged_without_its_content(driver: WebhookDriver) -> None:
    with capture_logs() as logs:
        await driver.post(f"/voice/calls/{REPORT_ID}", token="another-token")

    (rejected, request) = logs
    assert (rejected["event"], rejected["log_level"]) == ("webhook_rejected", "warning")
    assert rejected["path"] == request["path"] == "/voice/calls/{call_id}"
    for text in (CALLER, ACCOUNT, REPORT_ID):
        assert text not in str(logs)


async def test_where_urls_are_not_signed_only_those_of_the_service_are_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    coverage = SignatureCoverage(url=False, time=False)
    monkeypatch.setattr(TwilioSignatures, "signature_coverage", coverage)
    async with open_webhooks() as driver:
        for path in PATHS:
            if path.startswith("/voice"):
                assert_rejected(await driver.post(path))
        urls = VOICE.of(driver.harness.use_cases).voice.urls_at(PUBLIC_URL)
        fixed = {urls.voice(): 200, urls.fallback(): 200, urls.call_status(): 204}
        for number, (url, status) in enumerate(fixed.items()):
            form = [*without(FORM, "Digits"), ("Digits", str(number))]
            response = await driver.post(url.removeprefix(PUBLIC_URL), form)
            assert response.status_code == status


# Whatever fails, a caller hears something, and the provider gets valid markup

ANSWERS = ("answer_call", "answer_code_call")
REPORTS = ("record_call_status", "keep_recording", "record_message_status")
SECRET = f"{CALLER} has the code 123456"


class Failing:
    """A use case that fails, with a text that no log may have."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def __call__(self, *_: Any, **__: Any) -> Any:
        raise self._error

    def apologize(self, _: Any) -> Any:
        return Say("Sorry, something went wrong.", Voice("en-US")), HangUp()


async def assert_apologizes(driver: WebhookDriver, path: str) -> list[Any]:
    with capture_logs() as logs:
        response = await driver.post(path)
    assert response.status_code == 200
    document = twiml.validate(response.text)
    assert [verb.tag for verb in document] == ["Say", "Hangup"]
    assert "something went wrong" in (document[0].text or "")
    assert SECRET not in str([{**line, "exc_info": None} for line in logs])
    return [line for line in logs if line["log_level"] == "error"]


@pytest.mark.parametrize(
    "error", [RuntimeError(SECRET), StorageUnavailable("the disk is gone")], ids=["bug", "disk"]
)
async def test_an_unforeseen_error_is_an_apology_and_an_error_in_the_log(error: Exception) -> None:
    failing = Failing(error)
    async with open_webhooks(use_cases=dict.fromkeys(ANSWERS, failing)) as driver:
        for path in CALL_PATHS[:3]:
            (line,) = await assert_apologizes(driver, path)
            assert (line["event"], line["error"]) == ("call_failed", type(error).__name__)


async def test_a_report_is_repeated_after_a_503() -> None:
    failing = Failing(StorageUnavailable("the disk is gone"))
    form = [*FORM, ("RecordingSid", "RE" + "1" * 32), ("MessageStatus", "sent")]
    async with open_webhooks(use_cases=dict.fromkeys(REPORTS, failing)) as driver:
        for path in REPORT_PATHS:
            response = await driver.post(path, form)

            assert response.status_code == 503
            assert response.headers["retry-after"]
