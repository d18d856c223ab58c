"""The fake Twilio server responds and signs as Twilio documents it."""

from twilio.request_validator import RequestValidator

from tests.support.servers.fake_twilio.server import add_body_hash, sign_webhook

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"


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
