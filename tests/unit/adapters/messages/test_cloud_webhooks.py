"""Meta's webhooks: handshake, signatures, what became of messages; and languages of templates."""

import json
from typing import Any

import pytest

from adapters.messages.whatsapp_cloud.languages import closest_language
from adapters.messages.whatsapp_cloud.message_ids import without_number
from adapters.messages.whatsapp_cloud.webhooks import WhatsAppWebhooks
from application.ports.webhooks import MessageStatus, SignedRequest
from domain.otp.delivery import ReportedStatus
from tests.support.whatsapp.fake_whatsapp import handshake_url, make_message_id, make_webhook, sign

NUMBER_ID = "106540352242922"
SECRET, NEW_SECRET = "0" * 32, "1" * 32
TOKEN = "the-verify-token-of-the-operator"
URL = "https://dialtone.example.org/whatsapp/status"
REFERENCE = f"{'ab' * 16}-US"
WEBHOOKS = WhatsAppWebhooks(NUMBER_ID, (SECRET, NEW_SECRET), TOKEN)


def read(body: bytes, secret: str = SECRET) -> Any:
    signed = {"x-hub-signature-256": sign(secret, body)}
    return WEBHOOKS.read_statuses(SignedRequest(URL, signed, body=body))


def a_status(**fields: Any) -> dict[str, Any]:
    return {
        "id": make_message_id("14155550001"),
        "status": "sent",
        "recipient_id": "14155550001",
        "biz_opaque_callback_data": REFERENCE,
        **fields,
    }


def a_change(*statuses: Any, number_id: str = NUMBER_ID, **value: Any) -> dict[str, Any]:
    metadata = {"display_phone_number": "15550783881", "phone_number_id": number_id}
    return {"field": "messages", "value": {"metadata": metadata, "statuses": statuses, **value}}


def failed(*codes: object) -> dict[str, Any]:
    errors = [{"code": code, "title": "?", "error_data": {"details": "?"}} for code in codes]
    return a_status(status="failed", errors=errors)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (a_status(), MessageStatus(ReportedStatus.SENT)),
        (a_status(status="delivered"), MessageStatus(ReportedStatus.DELIVERED)),
        (a_status(status="read"), MessageStatus(ReportedStatus.DELIVERED)),
        (a_status(status="made_up"), MessageStatus(None)),
        (failed(131026), MessageStatus(ReportedStatus.FAILED, "131026", is_unreachable=True)),
        (failed(131049), MessageStatus(ReportedStatus.FAILED, "131049")),
        (failed("131026"), MessageStatus(ReportedStatus.FAILED, "131026", is_unreachable=True)),
        (failed(), MessageStatus(ReportedStatus.FAILED)),
        # A code beside another status is no failure.
        (
            {**failed(131026), "status": "delivered"},
            MessageStatus(ReportedStatus.DELIVERED, "131026"),
        ),
    ],
)
def test_a_status_says_where_our_message_is(
    status: dict[str, Any], expected: MessageStatus
) -> None:
    (read_status,) = read(make_webhook(a_change(status)))

    assert (read_status.status, read_status.error_code) == (expected.status, expected.error_code)
    assert read_status.is_unreachable is expected.is_unreachable
    assert read_status.reference == REFERENCE
    assert "14155550001" not in read_status.provider_message_id
    assert len(read_status.provider_message_id) == 20


def test_only_statuses_of_our_messages_of_our_number_are_read() -> None:
    body = make_webhook(
        a_change(a_status(biz_opaque_callback_data=None), number_id=NUMBER_ID),
        a_change(a_status(), number_id="999999999999999"),
        {"field": "account_update", "value": {"statuses": "?", "metadata": 5}},
        {"field": "messages", "value": {"statuses": [a_status()]}},
        a_change(a_status()),
        a_change(a_status(status="delivered")),
    )

    statuses = [status.status for status in read(body)]

    assert statuses == [ReportedStatus.SENT, ReportedStatus.DELIVERED]


def test_the_signature_is_checked_before_the_body_is_parsed() -> None:
    body = make_webhook(a_change(a_status()))
    signature = sign(SECRET, body)
    forged = ["", signature.removeprefix("sha256="), signature.upper(), f"{signature}, {signature}"]
    forged += [sign("2" * 32, body), sign("", body), signature.replace("sha256", "sha1"), "é\ud800"]
    for header in forged:
        request = SignedRequest(URL, {"x-hub-signature-256": header}, body=body)
        assert WEBHOOKS.read_statuses(request) is None, header
    without_secrets = WhatsAppWebhooks(NUMBER_ID, ("",), "")
    request = SignedRequest(URL, {"x-hub-signature-256": sign("", body)}, body=body)
    assert without_secrets.read_statuses(request) is None


def test_a_malformed_body_is_not_authentic() -> None:
    without_entries = b'{"object": "whatsapp_business_account", "entry": 5}'
    for body in (b"", b"{}", b"\xff", b"[" * 100_000, b'{"object": 5}', without_entries):
        assert read(body) is None


def test_a_webhook_of_another_product_reports_nothing() -> None:
    assert read(json.dumps({"object": "page", "entry": []}).encode()) == []


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        (handshake_url(URL, TOKEN, "a b<c>"), "a b<c>"),
        (handshake_url(URL, "another token"), None),
        (handshake_url(URL, TOKEN, "1" * 1_001), None),
        (handshake_url(URL, TOKEN).replace("subscribe", "unsubscribe"), None),
        (f"{handshake_url(URL, TOKEN)}&hub.challenge=2", None),
        (f"https://[?hub.verify_token={TOKEN}", None),
    ],
)
def test_a_handshake_is_answered_with_the_verify_token_only(url: str, answer: str | None) -> None:
    assert WEBHOOKS.answer_handshake(SignedRequest(url, {})) == answer


def test_without_a_verify_token_no_handshake_is_answered() -> None:
    webhooks = WhatsAppWebhooks(NUMBER_ID, (SECRET,), "")

    assert webhooks.answer_handshake(SignedRequest(handshake_url(URL, ""), {})) is None


# The language of the template that is closest to the one of a request, and ids of messages

LANGUAGES = ("en_US", "pt_BR", "es", "zh_CN", "zh_HK", "fil")


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        (None, "en_US"),
        ("pt-PT", "pt_BR"),
        ("fil-PH", "fil"),
        ("de", "en_US"),
        ("zh", "zh_CN"),
        ("zh-TW", "zh_HK"),
        ("zh-SG", "zh_CN"),
    ],
)
def test_the_closest_language_is_used(locale: str | None, language: str) -> None:
    assert closest_language(LANGUAGES, locale) == language


def test_the_id_of_a_message_is_kept_without_the_number() -> None:
    message_id = "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQUFERjg0NDEzNDdFODU3MUMxMAA="

    assert without_number(message_id) == "3AADF8441347E8571C10"
    assert without_number(message_id.rstrip("=")) == "3AADF8441347E8571C10"
    assert len(without_number(make_message_id("4915112345678"))) == 20
