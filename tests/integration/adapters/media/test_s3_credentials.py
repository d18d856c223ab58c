"""Credentials of S3 as botocore finds them: roles, web identities, profiles, session tokens."""

import json
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

import pytest

from adapters.media.s3 import S3Files, open_s3_files
from application.ports.errors import ConfigurationError, MediaStorageUnavailable
from entrypoints.composition.read_settings import read_settings
from entrypoints.features.media import feature as media
from tests.integration.adapters.media.s3_setup import CACHE_CONTROL, JPEG, KEY
from tests.support.fakes.clock import MovableClock
from tests.support.servers.http_server import Exchange, HttpServer, respond_with
from tests.support.servers.s3 import S3Server

pytestmark = pytest.mark.slow

SERVICE_URL: Final = "https://dialtone.example.org/media"
TOKEN: Final = "the-token-of-this-test"
SECRET: Final = "the-secret-of-this-test"
STORE: Final = respond_with(200, b"<ListBucketResult/>", headers={"ETag": '"one"'})
ACCESS_DENIED: Final = respond_with(
    403,
    f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{SECRET}</Message></Error>"
    "</ErrorResponse>".encode(),
)
NO_SERVER: Final = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the credentials of whoever runs the tests."""
    for name in (
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"),
        *("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_EC2_METADATA_DISABLED"),
        *("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        *("AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", NO_SERVER)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", NO_SERVER)


def role_credentials(*keys: str) -> dict[str, str]:
    """Return key ID, secret and session token as the services of Amazon write them."""
    expires_at = datetime.now(UTC) + timedelta(hours=6)
    names = ("AccessKeyId", "SecretAccessKey", "Token")
    return {**dict(zip(names, keys, strict=True)), "Expiration": f"{expires_at:%Y-%m-%dT%H:%M:%SZ}"}


class MetadataService:
    """Has the credentials of the role of an EC2 instance: key ID, secret and session token."""

    def __init__(self) -> None:
        self.keys = ("ASIAROLE", SECRET, TOKEN)

    def __call__(self, exchange: Exchange) -> None:
        if exchange.path.endswith("/api/token"):
            exchange.respond(200, b"token-of-imds")
        elif exchange.path.endswith("/security-credentials/"):
            exchange.respond(200, b"dialtone")
        else:
            credentials = {"Code": "Success", **role_credentials(*self.keys)}
            exchange.respond(200, json.dumps(credentials).encode())


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[MetadataService]:
    service = MetadataService()
    with HttpServer(service) as server:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url)
        yield service


def sts_response(expires_at: datetime, token: str = TOKEN) -> bytes:
    return f"""<AssumeRoleWithWebIdentityResponse
        xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
        <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/d/s</Arn>
        <AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser><Credentials>
        <AccessKeyId>ASIAPOD</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>
        <SessionToken>{token}</SessionToken>
        <Expiration>{expires_at:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>
        </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>""".encode()


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HttpServer]:
    """An STS, and a pod with a web identity."""
    token_file = tmp_path / "token"
    token_file.write_text("the-web-identity")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/dialtone")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token_file))
    with HttpServer(
        respond_with(200, sts_response(datetime.now(UTC) + timedelta(hours=1)))
    ) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
        yield server


def open_files(server: S3Server) -> AbstractAsyncContextManager[S3Files]:
    """Open media files without keys that the service delivers."""
    return open_s3_files(
        server.bucket,
        "role",
        endpoint=server.endpoint,
        region=server.region,
        service_url=SERVICE_URL,
        cache_control=CACHE_CONTROL,
        clock=MovableClock(),
    )


@pytest.mark.usefixtures("metadata")
async def test_temporary_credentials_do_not_start_where_they_would_sign_urls() -> None:
    with HttpServer(STORE) as store:
        environ = {"DIALTONE_MEDIA": "s3://images", "DIALTONE_S3_ENDPOINT": store.url}
        with pytest.raises(ConfigurationError) as raised:
            async with media.open_files(read_settings(environ, None), MovableClock()):
                pass

        assert "ends with the credentials that signed it: set DIALTONE_MEDIA_DELIVERY=servi" in str(
            raised.value
        )
        assert store.requests == []
        for name, text in (
            ("DIALTONE_MEDIA_DELIVERY", "service"),
            ("DIALTONE_MEDIA_PUBLIC_URL", "https://media.example.org"),
        ):
            settings = read_settings(environ | {name: text}, None)
            async with media.open_files(settings, MovableClock()):
                assert store.requests[-1].headers["X-Amz-Security-Token"] == TOKEN


async def test_credentials_are_renewed_before_they_expire(sts: HttpServer, tmp_path: Path) -> None:
    token_file = tmp_path / "token"  # a pod gets a new one before it expires
    sts.behavior = respond_with(200, sts_response(datetime.now(UTC) + timedelta(minutes=1)))
    with HttpServer(STORE) as store:
        async with open_files(S3Server(store.url)) as files:
            soon = datetime.now(UTC) + timedelta(minutes=1)
            sts.behavior = respond_with(200, sts_response(soon, "next"))
            token_file.write_text("the-next-identity")
            await files.write(KEY, BytesIO(b"one"), JPEG)
            assert (
                "the-next-identity" in parse_qs(sts.requests[-1].body.decode())["WebIdentityToken"]
            )
            assert store.requests[-1].headers["X-Amz-Security-Token"] == "next"

            sts.behavior = ACCESS_DENIED
            with pytest.raises(
                MediaStorageUnavailable, match=r"renewed: AccessDenied 403"
            ) as raised:
                await files.write(KEY, BytesIO(b"two"), JPEG)
    assert type(raised.value) is MediaStorageUnavailable  # the file was not rejected
