"""The fake Twilio server responds and signs as Twilio documents it."""

import httpx
import pytest
from twilio.request_validator import RequestValidator

from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.fake_twilio.server import add_body_hash, sign_webhook

MESSAGE = {"To": "+14155550001", "From": "+15005550006", "Body": "012345 is your code"}
CALL = {"To": "+14155550001", "From": "+15005550006", "Url": "https://service.example/voice"}
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"


async def post(
    twilio: FakeTwilio, path: str, form: dict[str, str], token: str | None = None
) -> httpx.Response:
    account = f"{twilio.url}/2010-04-01/Accounts/{twilio.account_sid}"
    async with httpx.AsyncClient(**PLAIN_HTTP) as http:
        credentials = (twilio.account_sid, token or twilio.auth_token)
        return await http.post(account + path, data=form, auth=credentials)


@pytest.mark.parametrize(
    ("path", "form", "token", "status", "code"),
    [
        ("/Messages.json", {**MESSAGE, "Body": ""}, None, 400, 21617),
        ("/Messages.json", {**MESSAGE, "To": "4155550001"}, None, 400, 21211),
        ("/Messages.json", MESSAGE, "another-token", 401, 20003),
        ("/Calls.json", {**CALL, "Url": ""}, None, 400, 21205),
        ("/Recordings/RE1.json", {}, None, 404, 20404),
    ],
)
async def test_an_invalid_request_is_rejected_as_documented(
    twilio: FakeTwilio, path: str, form: dict[str, str], token: str | None, status: int, code: int
) -> None:
    response = await post(twilio, path, form, token)

    error = response.json()
    assert response.status_code == status
    assert error.pop("message")
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    assert error == {"code": code, "more_info": more_info, "status": status}


def test_the_documented_example_has_the_documented_signature() -> None:
    # https://www.twilio.com/docs/usage/security#explore-the-algorithm-yourself
    fields = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]

    assert sign_webhook("12345", URL, fields) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_the_twilio_package_accepts_signatures_of_forms_and_json() -> None:
    validator = RequestValidator("token")
    for form in ({"Body": "a & b = c + नमस्ते", "Blank": ""}, {}):
        assert validator.validate(URL, form, sign_webhook("token", URL, list(form.items())))
    body = '{"one": "नमस्ते"}'
    url = add_body_hash(URL, body)
    assert validator.validate(url, body, sign_webhook("token", url))
    assert not validator.validate(url, body + " ", sign_webhook("token", url))
