"""Signatures as Twilio documents them, and what the package's validator would let through."""

import base64
import hmac

import pytest

from adapters.messages.twilio.signatures import TwilioSignatures
from application.ports.webhooks import SignedRequest
from tests.support.servers.fake_twilio.server import sign_webhook

ACCOUNT = "AC" + "0" * 32
TOKEN = "the-token"
SIGNATURES = TwilioSignatures(ACCOUNT, TOKEN)
FORM = (("AccountSid", ACCOUNT), ("CallSid", "CA1"), ("Digits", "1"))
Fields = tuple[tuple[str, str], ...]


def signed(
    signed_url: str, url: str | None = None, form: Fields = FORM, token: str = TOKEN
) -> SignedRequest:
    headers = {"x-twilio-signature": sign_webhook(token, signed_url, form)}
    return SignedRequest(url or signed_url, headers, form)


@pytest.mark.parametrize(
    ("public_url", "signed_url"),
    [
        ("https://a.example/voice?x=1", "https://a.example:443/voice?x=1"),
        ("http://a.example/voice", "http://a.example:80/voice"),
        ("https://a.example:8443/voice", "https://a.example/voice"),
        ("https://a.example/v;a?b=//c:80#d", "https://a.example:443/v;a?b=//c:80#d"),
    ],
)
def test_twilio_may_sign_the_url_with_or_without_its_port(public_url: str, signed_url: str) -> None:
    assert SIGNATURES.verify(signed(public_url))
    assert SIGNATURES.verify(signed(signed_url, public_url))


@pytest.mark.parametrize(
    ("public_url", "signed_url"),
    [
        ("https://a.example/voice", "https://a.example:80/voice"),
        ("https://a.example:8443/voice", "https://a.example:443/voice"),
        ("https://a.example/voice", "https://A.example/voice"),
        ("https://a.example@b.example/voice", "https://a.example@b.example/voice"),
    ],
)
def test_another_url_is_not_the_signed_one(public_url: str, signed_url: str) -> None:
    assert not SIGNATURES.verify(signed(signed_url, public_url))


URL = "https://a.example/voice"


def test_all_tokens_are_valid_while_one_is_rotated() -> None:
    rotating = TwilioSignatures(ACCOUNT, TOKEN, "the-new-token")

    assert rotating.verify(signed(URL))
    assert rotating.verify(signed(URL, token="the-new-token"))
    assert not rotating.verify(signed(URL, token="the-old-token"))
    assert not SIGNATURES.verify(signed(URL, token="the-new-token"))
    # An empty token signs nothing.
    for signatures in (SIGNATURES, TwilioSignatures(ACCOUNT, "")):
        assert not signatures.verify(signed(URL, token=""))


def test_no_header_chooses_the_algorithm() -> None:
    content = URL + "".join(name + value for name, value in sorted(FORM))
    mac = hmac.digest(TOKEN.encode(), content.encode(), "sha256")
    settings = {"x-twilio-webhooks-signature-settings": "key=k,algorithm=HMAC_SHA256"}
    forged = {"x-twilio-signature": base64.b64encode(mac).decode()}

    assert not SIGNATURES.verify(SignedRequest(URL, settings | forged, FORM))
    assert SIGNATURES.verify(SignedRequest(URL, settings | dict(signed(URL).headers), FORM))
