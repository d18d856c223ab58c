"""The `MediaFiles` port on S3."""

import asyncio
import hashlib
import logging
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing, suppress
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO, Final
from urllib.parse import unquote

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from adapters.media.s3.client import DEFAULT_TIMEOUTS, Bucket, S3Connection, S3Timeouts, open_client
from adapters.media.s3.credentials import FoundCredentials, find_credentials
from adapters.media.s3.errors import (
    STORE_ERRORS,
    files_unavailable,
    is_foreign,
    not_responding,
    not_usable,
    status_of,
    translated_errors,
)
from adapters.media.s3.presigned import UrlSigner, make_url_signer
from adapters.shared.threads import DiskThreads
from application.features.media.ports import MediaUrl, StoredFile
from application.ports.errors import ConfigurationError, MediaFileRejected
from application.ports.system import Clock
from domain.features.media.item import parse_storage_key

if TYPE_CHECKING:
    from aiobotocore.response import StreamingBody
    from types_aiobotocore_s3.type_defs import GetObjectRequestTypeDef, ListObjectsV2RequestTypeDef

CHUNK_SIZE: Final = 64 * 1024
_SENT_SIZE: Final = 256 * 1024
_THREADS: Final = 8
WRITE_CHECK_INTERVAL: Final = timedelta(minutes=1)
_HEALTH_CHECK_KEY: Final = ".health-check"

_log = logging.getLogger(__name__)


_EMPTY_PAGE: Final = "an empty page"


def _wrong_listing(what: str) -> MediaFileRejected:
    return MediaFileRejected(f"the store lists {what}: its listing of files cannot be used")


class S3Files:
    """Media files below a prefix of a bucket, with a health check."""

    def __init__(
        self,
        bucket: Bucket,
        urls: UrlSigner | str,
        cache_control: str,
        clock: Clock,
        timeouts: S3Timeouts,
        threads: DiskThreads,
    ) -> None:
        """Use an open bucket; see `open_s3_files`. The URLs are signed, or those below a URL."""
        self._bucket = bucket
        self._timeouts = timeouts
        self._urls = urls
        self._cache_control = cache_control
        self._clock = clock
        self._threads = threads
        self._write_checked_at: datetime | None = None

    async def write(self, storage_key: str, content: BinaryIO, content_type: str) -> None:
        async with translated_errors(self._timeouts.write):
            size, checksum = await self._threads.call(_hash_content, content)
            # Send a single request: S3 shows the file when it is complete.
            response = await self._bucket.client.put_object(
                Bucket=self._bucket.name,
                Key=self._bucket.object_key(storage_key),
                # The types know no body that is read outside the event loop.
                Body=_Body(content, size, self._threads),  # type: ignore[arg-type]
                ContentMD5=checksum,
                ContentType=content_type,
                CacheControl=self._cache_control,
            )
            # Some web servers answer any request with 200. S3 always returns an ETag.
            _ = response["ETag"]

    async def get_size(self, storage_key: str) -> int | None:
        async with translated_errors(self._timeouts.total):
            try:
                response = await self._bucket.client.head_object(
                    Bucket=self._bucket.name, Key=self._bucket.object_key(storage_key)
                )
            except ClientError as error:
                # A response to HEAD has no body that could say what does not exist.
                if status_of(error) == HTTPStatus.NOT_FOUND:
                    return None
                raise
            return response["ContentLength"]

    @asynccontextmanager
    async def open_file(
        self, storage_key: str, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[StoredFile | None]:
        client, stored = self._bucket.client, None
        request: GetObjectRequestTypeDef = {
            "Bucket": self._bucket.name,
            "Key": self._bucket.object_key(storage_key),
        }
        if start or stop is not None:
            request["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
        with ExitStack() as stack:
            async with translated_errors(self._timeouts.total):
                with suppress(client.exceptions.NoSuchKey):
                    response = await client.get_object(**request)
                    # Closing it closes the connection, unless the whole body has been read.
                    body = stack.enter_context(closing(response["Body"]))
                    stored = StoredFile(response["ContentLength"], _read_chunks(body))
            yield stored

    async def list_files(self) -> AsyncIterator[str]:
        """List them page by page. A listing that may be incomplete is an error, and no result."""
        bucket, seen, token = self._bucket, set[str](), ""
        while True:
            request: ListObjectsV2RequestTypeDef = {"Bucket": bucket.name, "Prefix": bucket.prefix}
            if token:
                request["ContinuationToken"] = token
            async with translated_errors(self._timeouts.total):
                page = await bucket.client.list_objects_v2(**request)
            keys = [entry["Key"] for entry in page.get("Contents", ())]
            # Compare the first key too: a store that begins again may make new tokens.
            marks = {f"key {key}" for key in keys[:1]}
            if not all(key.startswith(bucket.prefix) for key in keys):
                raise _wrong_listing("keys that were not requested, or that are encoded")
            for key in keys:
                storage_key = key.removeprefix(bucket.prefix)
                # Without a prefix, only the name of a file shows it; other files may have a "%".
                if "%" in storage_key and parse_storage_key(unquote(storage_key)):
                    raise _wrong_listing("keys that are encoded")
                yield storage_key
            token = page.get("NextContinuationToken", "")
            if not page.get("IsTruncated"):
                return
            if not token:
                raise _wrong_listing("a truncated page without a token for the next one")
            marks |= {f"token {token}"} if keys else {f"token {token}", _EMPTY_PAGE}
            if marks & seen:
                raise _wrong_listing("the same page again, without end")
            seen |= marks

    async def delete(self, storage_key: str) -> None:
        async with translated_errors(self._timeouts.delete):
            # Amazon does not report a missing object here. Some compatible stores do.
            with suppress(self._bucket.client.exceptions.NoSuchKey):
                await self._bucket.client.delete_object(
                    Bucket=self._bucket.name, Key=self._bucket.object_key(storage_key)
                )

    async def url_for(self, storage_key: str) -> MediaUrl:
        # The URL is one of the service if this delivers the files.
        if isinstance(self._urls, str):
            return MediaUrl(f"{self._urls}/{storage_key}")
        return self._urls.sign(storage_key, self._clock.now())

    async def delete_unfinished(self, before: datetime) -> int:  # noqa: ARG002 -- nothing is left to delete
        # A request that did not finish leaves nothing.
        return 0

    async def check(self) -> None:
        async with translated_errors(self._timeouts.health_check):
            await self.check_bucket()

    async def check_store(self) -> None:
        """Check whether there is a store of this kind: an ordinary website responds too."""
        bucket, client = self._bucket, self._bucket.client
        try:
            await client.list_objects_v2(Bucket=bucket.name, Prefix=bucket.prefix, MaxKeys=1)
        except ClientError as error:
            if is_foreign(error):
                raise ResponseParserError from error
            raise
        await self.check_bucket()

    async def check_bucket(self) -> None:
        """Check whether the bucket exists and, once a minute, whether it is writable.

        - Only a write detects missing permissions and a full store.
        - Writes cost money, and anyone can request readiness. So a successful write check is valid
          for a minute. Between write checks only HEAD is sent, the cheapest request; it detects
          an unreachable store, a missing bucket and a revoked key.
        """
        bucket, client = self._bucket, self._bucket.client
        key = bucket.object_key(_HEALTH_CHECK_KEY)
        # HEAD goes first: some stores create a missing bucket on the first write.
        try:
            await client.head_bucket(Bucket=bucket.name)
        except ClientError as error:
            if status_of(error) not in (400, 403):
                raise
            # A response to HEAD has no body. The response to this request names the error.
            await client.list_objects_v2(Bucket=bucket.name, Prefix=key, MaxKeys=1)
        now, checked_at = self._clock.now(), self._write_checked_at
        # A time in the future means that the clock was set back: it would be valid for too long.
        if checked_at is None or not checked_at <= now < checked_at + WRITE_CHECK_INTERVAL:
            response = await client.put_object(Bucket=bucket.name, Key=key, Body=b"health check")
            _ = response["ETag"]
            with suppress(client.exceptions.NoSuchKey):
                await client.delete_object(Bucket=bucket.name, Key=key)
            self._write_checked_at = now


@asynccontextmanager
async def open_s3_files(
    bucket: str,
    prefix: str = "",
    *,
    endpoint: str | None,
    region: str,
    access_key: str = "",
    secret_key: str = "",
    session_token: str = "",
    service_url: str | None = None,
    cache_control: str,
    clock: Clock,
    timeouts: S3Timeouts = DEFAULT_TIMEOUTS,
) -> AsyncIterator[S3Files]:
    """Open an existing bucket and check that it is usable. A missing bucket is not created.

    A store that does not respond is accepted: it may be back when it is needed.

    The endpoint is None for Amazon. Without an access key, botocore finds the credentials.
    Presigned URLs deliver the files unless there is a `service_url`. `cache_control` is the header
    of files that are read by a public URL. Slashes around the prefix are ignored.
    """
    connection = S3Connection(endpoint, region, access_key, secret_key, session_token)
    store = f"s3://{bucket}" + (f" at {endpoint}" if endpoint else "")
    async with AsyncExitStack() as stack:
        try:
            credentials = await find_credentials(connection, timeouts.credentials)
            opening = open_client(credentials.session, connection, bucket, timeouts)
            client = await stack.enter_async_context(opening)
            path = prefix.strip("/")
            objects = Bucket(client, bucket, f"{path}/" if path else "")
            urls = service_url or await _sign_urls(objects, region, credentials)
        except (*STORE_ERRORS, ValueError) as error:
            raise not_usable(store, error) from None
        threads = DiskThreads("s3", _THREADS, timeouts.total)
        stack.push_async_callback(threads.finish)
        files = S3Files(objects, urls, cache_control, clock, timeouts, threads)
        try:
            async with asyncio.timeout(timeouts.health_check):
                await files.check_store()
        except STORE_ERRORS as error:
            problem = not_usable(store, error)
            if not not_responding(error):
                raise problem from None
            _log.warning({"event": "media_store_unavailable", "reason": str(problem)})
        yield files


async def _sign_urls(bucket: Bucket, region: str, credentials: FoundCredentials) -> UrlSigner:
    if credentials.is_temporary:
        raise ConfigurationError(
            "The credentials of S3 are temporary, and a presigned URL of an image ends with the "
            "credentials that signed it: set DIALTONE_MEDIA_DELIVERY=service, so that the service "
            "delivers the images, or, if they are public, set DIALTONE_MEDIA_PUBLIC_URL to the URL "
            "of a CDN."
        )
    return await make_url_signer(bucket, region, credentials.keys)


class _Body:
    """A file that is sent. Threads of ours read it: aiohttp would read it in those of asyncio.

    botocore accepts what has the methods of a file, and reads nothing of it.
    """

    def __init__(self, content: BinaryIO, size: int, threads: DiskThreads) -> None:
        self._content = content
        self._size = size
        self._threads = threads

    def __len__(self) -> int:
        return self._size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        start = 0
        while chunk := await self._threads.call(self.read, start):
            start += len(chunk)
            yield chunk

    def read(self, start: int) -> bytes:
        self._content.seek(start)
        return self._content.read(_SENT_SIZE)

    def seek(self, offset: int) -> None:
        """Begin anew, as each iteration does."""


def _hash_content(content: BinaryIO) -> tuple[int, str]:
    """Return the size of a file, and the value of Content-MD5."""
    digest = hashlib.md5(usedforsecurity=False)
    while chunk := content.read(_SENT_SIZE):
        digest.update(chunk)
    return content.tell(), b64encode(digest.digest()).decode()


async def _read_chunks(body: "StreamingBody") -> AsyncIterator[bytes]:
    try:
        while chunk := await body.read(CHUNK_SIZE):
            yield chunk
    except STORE_ERRORS as error:
        raise files_unavailable(error) from None
