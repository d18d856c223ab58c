"""The client, set up for any store that speaks S3, and the part of a bucket that is ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession

from adapters.s3.patience import Patience

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

_CONNECTIONS: Final = 100
"""A file that is being read holds one until its end, however slow its reader."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where the store is (None: at Amazon) and whom it takes us for."""

    endpoint: str | None
    region: str
    access_key: str
    secret_key: str


@dataclass(frozen=True, slots=True)
class Folder:
    """Everything in a bucket below a prefix, which is empty or ends with a slash."""

    client: "S3Client"
    bucket: str
    prefix: str

    def key(self, name: str) -> str:
        """The name of a file of ours, as the bucket knows it."""
        return f"{self.prefix}{name}"


@asynccontextmanager
async def open_folder(
    access: Access, bucket: str, prefix: str, patience: Patience
) -> AsyncIterator[Folder]:
    """Make a client for it; asks nobody yet."""
    config = AioConfig(
        connect_timeout=patience.connect,
        read_timeout=patience.silence,
        # Keys are made once and written once: whatever is asked twice is done once. Only an
        # upload in parts may be begun in vain, and what is unfinished gets discarded.
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=_CONNECTIONS,
        signature_version="s3v4",
        # Bucket names with dots are no names that a certificate covers.
        s3={"addressing_style": "path" if access.endpoint or "." in bucket else "virtual"},
        # Older servers know none of the newer checksums; the signature covers what is sent.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        ignore_configured_endpoint_urls=True,
    )
    making = _session().create_client(
        "s3",
        endpoint_url=access.endpoint,
        region_name=access.region,
        aws_access_key_id=access.access_key,
        aws_secret_access_key=access.secret_key,
        config=config,
    )
    async with making as client:
        client.meta.events.register("before-parameter-build.s3", _stay)
        inner = prefix.strip("/")
        yield Folder(client, bucket, f"{inner}/" if inner else "")


@cache
def _session() -> AioSession:
    """Give the library's description of S3, which is large; clients share nothing else of it."""
    return AioSession()


def _stay(context: dict[str, Any], **_: object) -> None:
    """Keep the client from following a store that sends it elsewhere.

    It asks for the bucket's region with the same request that was answered with 301, without
    end; and addresses signed for the region of the settings would open nothing in another one.
    """
    context["s3_redirect"]["redirected"] = True
