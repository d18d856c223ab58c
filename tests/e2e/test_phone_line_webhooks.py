"""Webhooks are signed for the public URL; everything else is rejected without a body."""

from collections.abc import Sequence
from urllib.parse import urlencode

import httpx
import pytest

from tests.e2e.phone_line import PUBLIC_URL, PhoneLine
from tests.support.servers.fake_twilio.webhooks import post_json_webhook, sign_webhook
from tests.support.twiml import validate

Fields = Sequence[tuple[str, str]]
PATHS = (
    "/voice",
    "/voice/continue?node=join&visit=1&repeat=0",
    "/voice/calls/00112233445566778899aabb",
    "/voice/status",
    "/voice/recording",
    "/voice/fallback",
    "/sms/status?delivery=00112233445566778899aabbccddeeff",
)
FORM = "application/x-www-form-urlencoded"


def fields(line: PhoneLine, **others: str) -> Fields:
    own = {
        "AccountSid": line.twilio.account_sid,
        "CallSid": "CA" + "5" * 32,
        "From": "+14155551888",
        "To": "+15005550006",
        "CallStatus": "ringing",
    }
    return list({**own, **others}.items())


def post(line: PhoneLine, path: str, form: Fields, **headers: str) -> httpx.Response:
    return line.http.post(
        path,
        content=urlencode(form).encode(),
        headers={"Content-Type": FORM, **headers},
    )


def signed(line: PhoneLine, path: str, form: Fields, **headers: str) -> httpx.Response:
    signature = sign_webhook(line.twilio.auth_token, PUBLIC_URL + path, form)
    return post(line, path, form, **{"X-Twilio-Signature": signature, **headers})


@pytest.mark.parametrize("path", PATHS)
def test_every_webhook_takes_signed_posts_only(line: PhoneLine, path: str) -> None:
    form = fields(line)

    for rejected in (
        post(line, path, form),
        post(line, path, form, **{"X-Twilio-Signature": "bm9uc2Vuc2U="}),
        signed(line, path, fields(line, AccountSid="AC" + "1" * 32)),
        signed(line, path, [*form, ("CallSid", "CA" + "6" * 32)]),
        signed(line, path, []),
    ):
        assert (rejected.status_code, rejected.content) == (403, b"")
    for method in ("GET", "PUT", "DELETE"):
        assert line.http.request(method, path).status_code == 405
    assert signed(line, path, form).status_code in (200, 204)


def test_headers_of_proxies_do_not_change_the_signed_url(line: PhoneLine) -> None:
    attackers_url = "https://attacker.example/voice"
    signature = sign_webhook(line.twilio.auth_token, attackers_url, fields(line))
    forged = {
        "X-Twilio-Signature": signature,
        "Host": "attacker.example",
        "X-Forwarded-Host": "attacker.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/",
    }

    assert post(line, "/voice", fields(line), **forged).status_code == 403
    genuine = {**forged}
    del genuine["X-Twilio-Signature"]
    assert signed(line, "/voice", fields(line), **genuine).status_code == 200


def test_the_url_may_be_signed_with_its_port(line: PhoneLine) -> None:
    url = PUBLIC_URL.replace(".org", ".org:443") + "/voice"
    signature = sign_webhook(line.twilio.auth_token, url, fields(line))

    response = post(line, "/voice", fields(line), **{"X-Twilio-Signature": signature})

    assert response.status_code == 200


def test_the_fallback_apologizes_and_ends_the_call(line: PhoneLine) -> None:
    failed = {"ErrorCode": "11200", "ErrorUrl": f"{PUBLIC_URL}/voice"}

    response = signed(line, "/voice/fallback", fields(line, **failed))

    document = validate(response.text)
    assert [verb.tag for verb in document] == ["Say", "Hangup"]
    assert "something went wrong" in (document[0].text or "")


@pytest.mark.parametrize("query", ["", "?node=&visit=&repeat=", "?node=join", "?visit=1&visit=2"])
def test_a_continuation_without_a_valid_position_still_gets_valid_twiml(
    line: PhoneLine, query: str
) -> None:
    response = signed(line, f"/voice/continue{query}", fields(line, Digits="1"))

    assert response.status_code == 200
    validate(response.text)


def test_a_signed_json_event_is_understood_or_rejected_but_never_an_error(
    line: PhoneLine,
) -> None:
    url = f"{line.service.url}/voice/status"
    event = dict(fields(line, CallStatus="completed"))

    response = post_json_webhook(
        url,
        event,
        token=line.twilio.auth_token,
        public_url=f"{PUBLIC_URL}/voice/status",
    )

    assert response.status in (200, 204)
    tampered = line.http.post(
        "/voice/status?bodySHA256=" + "0" * 64,
        json=event,
        headers={
            "X-Twilio-Signature": sign_webhook(
                line.twilio.auth_token, f"{PUBLIC_URL}/voice/status?bodySHA256=" + "0" * 64
            )
        },
    )
    assert (tampered.status_code, tampered.content) == (403, b"")
