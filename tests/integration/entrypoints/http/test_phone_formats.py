"""All formats of a number are one phone, in every operation and in both APIs."""

import pytest

from tests.integration.http_driver import open_http_driver
from tests.support.http_settings import make_http_settings


@pytest.mark.parametrize(
    ("request_path", "formats"),
    [
        ("/auth/request-otp", ("9198765432", "+91 (0) 9198765432", "tel:+91-9198765432")),
        ("/authenticate/get_otp", ("0091 9198765432", "09198765432", "\u202a+919198765432\u202c")),
    ],
)
def test_a_user_signs_in_and_is_created_with_any_format(
    request_path: str, formats: tuple[str, str, str]
) -> None:
    for_request, for_verification, for_user = formats
    settings = make_http_settings(default_region="IN")
    with open_http_driver(settings) as driver:
        assert driver.post_json(request_path, {"phone": for_request}).status == 200
        message = driver.harness.messenger.messages[-1]
        assert message.phone.e164 == "+919198765432"
        body = {"phone": for_verification, "otp": message.code}
        token = driver.post_json("/auth/verify-otp", body).body["access_token"]
        user = {"username": "Rahul", "number": for_user}
        assert driver.post_json("/users", user, token).status == 201
