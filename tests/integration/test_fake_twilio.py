"""The fake Twilio server responds and signs as Twilio documents it."""

import httpx
import pytest
from twilio.request_validator import RequestValidator
from twilio.rest.api.v2010.account.call import CallInstance
from twilio.rest.api.v2010.account.message import MessageInstance

from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.fake_twilio.webhooks import add_body_hash, sign_webhook

MESSAGE = {"To": "+14155550001", "From": "+15005550006", "Body": "012345 is your code"}
CALL = {"To": "+14155550001", "From": "+15005550006", "Url": "https://service.example/voice"}
SERVICE = {"To": "+14155550001", "MessagingServiceSid": "MG" + "0" * 32, "Body": "hi"}
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"


def documented_fields(instance: object) -> set[str]:
    """Return the fields that the `twilio` package reads."""
    names = {name.strip("_") for name in vars(instance)}
    return names - {"version", "solution", "context"}


@pytest.mark.parametrize(
    ("resource", "form", "instance", "status"),
    [
        ("Messages", MESSAGE, MessageInstance, "queued"),
        ("Messages", SERVICE, MessageInstance, "accepted"),
        ("Calls", CALL, CallInstance, "queued"),
    ],
)
async def test_a_created_resource_has_every_documented_field(
    twilio: FakeTwilio,
    resource: str,
    form: dict[str, str],
    instance: type[MessageInstance] | type[CallInstance],
    status: str,
) -> None:
    url = f"{twilio.url}/2010-04-01/Accounts/{twilio.account_sid}/{resource}.json"
    async with httpx.AsyncClient(**PLAIN_HTTP) as http:
        response = await http.post(url, data=form, auth=(twilio.account_sid, twilio.auth_token))

    content = response.json()
    assert (response.status_code, content["status"]) == (201, status)
    assert content.keys() >= documented_fields(instance(None, content, "AC0"))
    assert (content["to"], content["from"]) == (form["To"], form.get("From"))


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
