"""A service on servers: its database in MongoDB, its files in S3, its messages by Twilio."""

import uuid
from pathlib import Path, PurePosixPath
from typing import Final

import httpx
import pytest

from tests.support.client import open_client
from tests.support.databases import on_mongo
from tests.support.images import phone_photo
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.s3 import S3Server
from tests.support.service import running
from tests.support.walker import Walker

PHONE: Final = "+14155590001"


def test_a_user_signs_in_uploads_and_deletes_an_image(
    request: pytest.FixtureRequest, tmp_path: Path, s3_server: S3Server
) -> None:
    with FakeTwilio() as twilio:
        settings = {
            **on_mongo(request),
            "DIALTONE_MEDIA": f"s3://{s3_server.bucket}/{uuid.uuid4().hex}",
            "DIALTONE_SMS": "twilio",
            "DIALTONE_COUNTRIES": "*",
            **s3_server.environ(),
            **twilio.environ,
        }

        def inbox(phone: str) -> list[str]:
            return [message["Body"] for message in twilio.messages if message["To"] == phone]

        with (
            running(tmp_path, settings, inbox) as service,
            open_client(service) as http,
        ):
            walker = Walker(service, http)
            walker.sign_up(PHONE, "Asha Rao")
            uploaded = http.post(
                "/library/upload",
                files={"file": ("IMG_0001.JPG", phone_photo(), "image/jpeg")},
                data={"user_id": walker.user_id},
            )
            item = uploaded.json()
            file = httpx.get(item["url"], **PLAIN_HTTP)
            assert (file.status_code, file.headers["content-type"]) == (200, "image/jpeg")
            # Its URLs expire, so the service itself asks for a token.
            key = "/".join(PurePosixPath(httpx.URL(item["url"]).path).parts[-2:])
            assert http.get(f"/media/{key}").content == file.content
            without = httpx.get(f"{service.url}/media/{key}", **PLAIN_HTTP)
            assert (without.status_code, without.json()["code"]) == (401, "unauthenticated")
            assert http.delete(f"/library/{item['id']}").status_code == 204
            assert httpx.get(item["url"], **PLAIN_HTTP).status_code == 404
