"""The S3 client: connection, timeouts and retries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from botocore.handlers import add_expect_header
from botocore.model import OperationModel
from botocore.parsers import ResponseParserError

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

_MAX_CONNECTIONS: Final = 300
"""Connections; readers of files use at most 256, so they never delay anything else."""
_REDIRECTS: Final = {301, 302, 307}
_OTHER_REGION: Final = {
    "400",  # the response to HEAD has no body
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "PermanentRedirect",
}


@dataclass(frozen=True, slots=True)
class S3Timeouts:
    """Time limits in seconds.

    Attributes:
        read: Waiting for the next byte.
        total: Any other operation: one request and its retry.
        write: Storing a file. Much shorter than the time that an upload may take as a whole.
        delete: Deleting a file. Short, because a refused deletion is retried.
        health_check: A health check. Readiness waits less than `total`.
    """

    connect: float = 3.0
    read: float = 10.0
    total: float = 20.0
    write: float = 60.0
    delete: float = 5.0
    health_check: float = 2.5
    credentials: float = 5.0


DEFAULT_TIMEOUTS: Final = S3Timeouts()


@dataclass(frozen=True, slots=True)
class S3Connection:
    """The endpoint of the store and its credentials. The endpoint is None for Amazon.

    Without keys, botocore finds credentials. Keys with a session token expire.
    """

    endpoint: str | None
    region: str
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and the prefix of all object keys in it: empty, or with a slash at its end."""

    client: "S3Client"
    name: str
    prefix: str

    def object_key(self, storage_key: str) -> str:
        return f"{self.prefix}{storage_key}"


@asynccontextmanager
async def open_client(
    session: AioSession, connection: S3Connection, bucket: str, timeouts: S3Timeouts
) -> "AsyncIterator[S3Client]":
    """Open a client for one bucket, with the credentials of the session. This sends no request."""
    config = AioConfig(
        connect_timeout=timeouts.connect,
        read_timeout=timeouts.read,
        # All requests may be repeated: a storage key is written once.
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=_MAX_CONNECTIONS,
        signature_version="s3v4",
        # The wildcard certificate does not cover a host name with a dotted bucket name.
        s3={
            "addressing_style": "path" if connection.endpoint or "." in bucket else "virtual",
            # The event loop would have to read the file. The signature covers Content-MD5.
            "payload_signing_enabled": False,
        },
        # Older servers do not know the newer checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        ignore_configured_endpoint_urls=True,
    )
    async with session.create_client(
        "s3",
        endpoint_url=connection.endpoint,
        region_name=connection.region,
        config=config,
    ) as client:
        client.meta.events.register_first("needs-retry.s3", _reject_other_region)
        # aiobotocore awaits it, which its types do not say.
        client.meta.events.register_first("needs-retry.s3", _reject_website)  # type: ignore[arg-type]
        # Not all servers respond to it, and the client would wait.
        client.meta.events.unregister("before-call.s3", add_expect_header)
        yield client


def _reject_other_region(
    response: tuple[AWSResponse, Any] | None, operation: OperationModel, **_: object
) -> None:
    """Report that the bucket is in another region, before botocore follows the redirect.

    botocore looks the region up with the request that was answered with 301, without end. And
    URLs that are presigned for the configured region do not work in another one.
    """
    if response is None:  # no connection
        return
    http_response, parsed = response
    code = parsed.get("Error", {}).get("Code")
    if http_response.status_code in _REDIRECTS or code in _OTHER_REGION:
        raise ClientError(parsed, operation.name)


async def _reject_website(
    response: tuple[Any, Any] | None, operation: OperationModel, **_: object
) -> None:
    """Raise for a success without a listing: botocore takes it for a temporary, cut response."""
    if response is None or operation.name != "ListObjectsV2":
        return
    http_response, _parsed = response
    is_success = http_response.raw.status == HTTPStatus.OK  # botocore has changed the other status
    if is_success and b"<ListBucketResult" not in await http_response.content:
        raise ResponseParserError
