"""Sign in and upload an image with the generated client: `use_client.py URL PHONE OTP IMAGE`.

Mypy checks this program too. It has errors if a type of the description becomes less exact.
"""

import sys
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import assert_type
from urllib.parse import urlsplit

from dialtone_client import AuthenticatedClient, Client
from dialtone_client.api.library import get_media_file, list_library_items, upload_image
from dialtone_client.api.otp import request_otp, verify_otp
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
    # An error has its code, also one that a later version adds.
    invalid = request_otp.sync(client=client, body=RequestOtpBody(phone="+10000000000"))
    assert isinstance(invalid, InvalidFieldsError)
    assert (invalid.code, [error.field for error in invalid.field_errors]) == ("invalid", ["phone"])
    assert ServiceError.from_dict({"error": "New.", "code": "new", "new": 1}).code == "new"

    requested = request_otp.sync(client=client, body=RequestOtpBody(phone=phone))
    assert isinstance(requested, RequestOtpResponse)
    code = VerifyOtpBody(phone=phone, otp=otp, request_id=requested.request_id)
    verified = verify_otp.sync(client=client, body=code)
    assert isinstance(verified, RejectedOtpResponse | VerifiedOtpResponse)
    assert verified.success  # it decides on the type
    assert_type(verified.access_token, str)
    upload_and_download(url, verified.access_token, image)


def upload_and_download(url: str, token: str, image: bytes) -> None:
    """Create a user, upload an image, find it in the library and download it."""
    client = AuthenticatedClient(base_url=url, token=token, raise_on_unexpected_status=True)
    created = create_user.sync(client=client, body=CreateUserBody(username="Rahul Sharma"))
    assert isinstance(created, CreateUserResponse)
    me = get_me.sync(client=client)
    assert isinstance(me, UserResponse)
    assert me.field_id == created.user_id
    assert abs(datetime.now(UTC) - me.created_on) < timedelta(minutes=10)
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


main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]).read_bytes())
