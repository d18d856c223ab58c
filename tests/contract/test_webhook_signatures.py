"""The promises of the port that verifies a provider's requests, and the signatures of Twilio."""

import json
from dataclasses import replace

import pytest

from application.ports.webhooks import SignedRequest
from tests.contract.suites.voice.drivers import VoiceDriver
from tests.contract.suites.voice.test_webhook_signatures import *
from tests.contract.suites.voice.test_webhook_signatures import (
    URL,
    test_an_old_request_gets_no_new_time,
    test_an_old_request_is_not_authentic,
)
from tests.contract.voice_drivers import ACCOUNT, FORM, TwilioVoiceDriver, sign

# Twilio signs no time.
del test_an_old_request_is_not_authentic, test_an_old_request_gets_no_new_time
SIGNATURES = TwilioVoiceDriver().signatures
CONTENT = {"AccountSid": ACCOUNT, "MessageSid": "SM1", "MessageStatus": "delivered"}


@pytest.fixture
def voice_driver() -> VoiceDriver:
    return TwilioVoiceDriver()


def form_request(*fields: tuple[str, str]) -> SignedRequest:
    return SignedRequest(URL, {}, fields or FORM)


def json_request(content: object = None) -> SignedRequest:
    return SignedRequest(URL, {}, body=json.dumps(content or CONTENT).encode())


def test_no_part_of_a_form_may_change() -> None:
    signed = sign(form_request())

    for changed in (
        replace(signed, url=f"{URL}&"),
        replace(signed, url=URL.replace("%20", "+")),
        replace(signed, url="https://a:99999/"),
        replace(signed, form=FORM[:-2]),
        replace(signed, form=(*FORM[:-1], ("Digits", "1"))),
        replace(signed, form=()),
        replace(signed, headers={name: text[:-1] for name, text in signed.headers.items()}),
    ):
        assert not SIGNATURES.verify(changed)


def test_no_part_of_a_json_body_may_change() -> None:
    signed = sign(json_request())

    for changed in (
        replace(signed, body=signed.body + b" "),
        replace(signed, body=b""),
        replace(signed, url=signed.url + "&visit=3"),
        replace(signed, form=tuple(CONTENT.items())),
    ):
        assert not SIGNATURES.verify(changed)


@pytest.mark.parametrize("account", ["AC" + "0" * 32, "", ACCOUNT.upper(), None])
def test_a_request_of_another_account_is_not_authentic(account: str | None) -> None:
    fields = dict(FORM[1:]) | ({} if account is None else {"AccountSid": account})
    content = {"MessageSid": "SM1"} | ({} if account is None else {"AccountSid": account})

    assert not SIGNATURES.verify(sign(form_request(*fields.items())))
    assert not SIGNATURES.verify(sign(json_request(content)))


@pytest.mark.parametrize("name", ["AccountSid", "CallSid", "From", "SpeechResult", "Digits"])
def test_a_field_that_is_used_occurs_once(name: str) -> None:
    for fields in ((*FORM, (name, ACCOUNT)), ((name, ACCOUNT), *FORM)):
        assert not SIGNATURES.verify(sign(form_request(*fields)))
    body = b'{"AccountSid": "AC1", "AccountSid": "%s"}' % ACCOUNT.encode()
    assert not SIGNATURES.verify(sign(SignedRequest(URL, {}, body=body)))


@pytest.mark.parametrize(
    "body",
    [b"[]", b"\xff\xfe", b'{"a":' * 100_000],
    ids=["list", "not UTF-8", "nested"],
)
def test_a_body_that_is_no_object_is_not_authentic(body: bytes) -> None:
    request = SignedRequest(URL, {}, body=body)
    if body.isascii():
        request = sign(request)

    assert not SIGNATURES.verify(request)
