"""Sign in and upload an image with the generated client: `use_client.py URL PHONE OTP IMAGE`.

Mypy checks this program too. It has errors if a type of the description becomes less exact.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import pytest
from generated_client import (
    ApiClient,
    Configuration,
    CreateUserBody,
    DeliveryStatusResponse,
    InvalidFieldsError,
    InvalidFieldsErrorOrServiceError,
    LibraryApi,
    OTPApi,
    RequestOtpBody,
    ServiceError,
    UsersApi,
    VerifyOtpBody,
    VerifyOtpResponse,
)
from generated_client.exceptions import BadRequestException


def main(url: str, phone: str, otp: str, image: Path) -> None:
    """Use the operations that every app needs; any difference is an AssertionError."""
    configuration = Configuration(host=url)
    client = ApiClient(configuration)
    check_errors(client)
    check_values_of_later_versions()
    first = sign_in(client, phone, otp)
    assert first.username is None
    configuration.access_token = first.access_token
    check_user(client, phone, first.user_id)
    upload_and_download(client, first.user_id, image)


def check_errors(client: ApiClient) -> None:
    """An error is an exception with the fields of its code."""
    with pytest.raises(BadRequestException) as raised:
        OTPApi(client).request_otp(RequestOtpBody(phone="+10000000000"))
    assert raised.value.data is not None
    invalid = raised.value.data.actual_instance
    assert isinstance(invalid, InvalidFieldsError)
    assert invalid.code == "invalid"
    assert [error.var_field for error in invalid.field_errors] == ["phone"]


def check_values_of_later_versions() -> None:
    """Codes, statuses and fields that this client does not know are read."""
    error = InvalidFieldsErrorOrServiceError.from_dict({"error": "New.", "code": "new", "new": 1})
    assert isinstance(error.actual_instance, ServiceError)
    assert error.actual_instance.code == "new"
    field = {"field": "phone", "code": "new", "message": "New."}
    fields = {"errors": {"phone": ["New."]}, "code": "invalid", "field_errors": [field]}
    invalid = InvalidFieldsErrorOrServiceError.from_dict(fields).actual_instance
    assert isinstance(invalid, InvalidFieldsError)
    assert invalid.field_errors[0].code == "new"
    delivery = DeliveryStatusResponse.from_dict({"status": "new"})
    assert delivery is not None
    assert delivery.status == "new"


def sign_in(client: ApiClient, phone: str, otp: str) -> VerifyOtpResponse:
    """Return the response to the right code; the first attempt has a wrong one."""
    api = OTPApi(client)
    requested = api.request_otp(RequestOtpBody(phone=phone, channel="sms"))
    wrong = api.verify_otp(VerifyOtpBody(phone=phone, otp=otp[::-1]))
    assert wrong.success is False
    assert wrong.attempts_left is not None
    assert wrong.attempts_left > 0
    assert wrong.access_token is None
    body = VerifyOtpBody(phone=phone, otp=otp, request_id=requested.request_id, refresh=True)
    verified = api.verify_otp(body)
    assert verified.success is True
    assert verified.attempts_left is None
    assert verified.refresh_token
    return verified


def check_user(client: ApiClient, phone: str, user_id: str | None) -> None:
    """Create the user of the token; times are datetimes, and headers are kept."""
    api = UsersApi(client)
    created = api.create_user_with_http_info(CreateUserBody(username="Nino B.", number=phone))
    assert (created.status_code, created.data.user_id) == (201, user_id)
    assert created.headers is not None
    assert created.headers["location"] == f"/users/{user_id}"
    me = api.get_me()
    assert me.id == user_id
    check_recent(me.created_on)


def upload_and_download(client: ApiClient, user_id: str | None, image: Path) -> None:
    """Upload an image, find it in the library and download it."""
    api = LibraryApi(client)
    assert user_id is not None
    item = api.upload_image((image.name, image.read_bytes()), user_id, category="art")
    page = api.list_library_items(user_id=user_id, type="image")
    assert [(found.id, found.category) for found in page.items] == [(item.id, "art")]
    assert page.next_cursor is None
    folder, name = PurePosixPath(urlsplit(item.url).path).parts[-2:]
    assert api.get_media_file(folder, name)[:2] == b"\xff\xd8"


def check_recent(time: datetime) -> None:
    """Check that a time has an offset and is not long ago."""
    assert abs((datetime.now(UTC) - time).total_seconds()) < 600


main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
