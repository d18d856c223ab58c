"""Sign in and upload an image with the generated client: `use_client.py URL PHONE OTP IMAGE`.

Mypy checks this program too. It has errors if a type of the description becomes less exact.
"""

import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import assert_type
from urllib.parse import urlsplit

from dialtone_client import AuthenticatedClient, Client
from dialtone_client.api.library import get_media_file, list_library_items, upload_image
from dialtone_client.api.otp import request_otp, verify_otp
from dialtone_client.api.sessions import list_sessions
from dialtone_client.api.users import create_user, get_me
from dialtone_client.models import (
    CreateUserBody,
    CreateUserResponse,
    InvalidFieldsError,
    LibraryPageResponse,
    RejectedOtpResponse,
    RequestOtpBody,
    RequestOtpResponse,
    ServiceError,
    SessionListResponse,
    UploadImageBody,
    UploadImageResponse,
    UserResponse,
    VerifiedOtpResponse,
    VerifyOtpBody,
)
from dialtone_client.types import File


def main(url: str, phone: str, otp: str, image: bytes) -> None:
    """Use the operations that every app needs; any difference is an AssertionError."""
    client = Client(base_url=url, raise_on_unexpected_status=True)
    check_errors(url, client)
    verified = sign_in(client, phone, otp)
    assert_type(verified.access_token, str)
    signed_in = AuthenticatedClient(
        base_url=url, token=verified.access_token, raise_on_unexpected_status=True
    )
    create_and_show_user(signed_in, verified)
    upload_and_download(signed_in, image)


def check_errors(url: str, client: Client) -> None:
    """An error has its code, also one that a later version adds."""
    invalid = request_otp.sync(client=client, body=RequestOtpBody(phone="+10000000000"))
    assert isinstance(invalid, InvalidFieldsError)
    assert (invalid.code, [error.field for error in invalid.field_errors]) == ("invalid", ["phone"])
    refused = get_me.sync(client=AuthenticatedClient(base_url=url, token="none"))
    assert isinstance(refused, ServiceError)
    assert refused.code == "unauthenticated"
    assert ServiceError.from_dict({"error": "New.", "code": "new", "new": 1}).code == "new"


def sign_in(client: Client, phone: str, otp: str) -> VerifiedOtpResponse:
    """Return the response to the right code; the first attempt has a wrong one."""
    requested = request_otp.sync(client=client, body=RequestOtpBody(phone=phone))
    assert isinstance(requested, RequestOtpResponse)
    wrong = verify_otp.sync(client=client, body=VerifyOtpBody(phone=phone, otp=otp[::-1]))
    assert isinstance(wrong, RejectedOtpResponse)
    assert wrong.attempts_left > 0
    body = VerifyOtpBody(phone=phone, otp=otp, request_id=requested.request_id)
    verified = verify_otp.sync(client=client, body=body)
    assert isinstance(verified, RejectedOtpResponse | VerifiedOtpResponse)
    assert verified.success  # it decides on the type
    return verified


def create_and_show_user(client: AuthenticatedClient, verified: VerifiedOtpResponse) -> None:
    """Create the user of the token; times are datetimes."""
    assert verified.username is None
    body = CreateUserBody(username="Rahul Sharma")
    created = create_user.sync(client=client, body=body)
    assert isinstance(created, CreateUserResponse)
    me = get_me.sync(client=client)
    assert isinstance(me, UserResponse)
    assert me.field_id == created.user_id == verified.user_id
    check_recent(me.created_on)
    sessions = list_sessions.sync(client=client)
    assert isinstance(sessions, SessionListResponse)
    (session,) = sessions.sessions
    check_recent(session.created)
    assert session.expires > session.last_used


def upload_and_download(client: AuthenticatedClient, image: bytes) -> None:
    """Upload an image, find it in the library and download it."""
    me = get_me.sync(client=client)
    assert isinstance(me, UserResponse)
    file = File(BytesIO(image), "IMG_0001.JPG", "image/jpeg")
    body = UploadImageBody(file=file, user_id=me.field_id, category="art")
    assert_type(body.file, File)
    item = upload_image.sync(client=client, body=body)
    assert isinstance(item, UploadImageResponse)
    page = list_library_items.sync(client=client, user_id=me.field_id)
    assert isinstance(page, LibraryPageResponse)
    assert [(found.id, found.category) for found in page.items] == [(item.id, "art")]
    folder, name = PurePosixPath(urlsplit(item.url).path).parts[-2:]
    downloaded = get_media_file.sync(folder, name, client=client)
    assert isinstance(downloaded, File)
    assert downloaded.payload.read(2) == b"\xff\xd8"


def check_recent(time: datetime) -> None:
    """Check that a time has an offset and is not long ago."""
    assert abs((datetime.now(UTC) - time).total_seconds()) < 600


main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]).read_bytes())
