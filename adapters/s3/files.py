"""The `MediaFiles` port on S3."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import BinaryIO

from adapters.s3.bucket import Bucket, has_several_parts
from adapters.s3.client import DEFAULT_TIMEOUTS, MAX_READS, Connection, Timeouts, open_client
from adapters.s3.errors import STORE_ERRORS, not_responding, not_usable, translated_errors
from adapters.s3.health_check import S3HealthCheck
from adapters.s3.presigned import UrlSigner, make_url_signer
from adapters.s3.reads import ObjectReader, ReadConnections
from application.ports.media_files import MediaUrl, StoredFile
from application.ports.system import Clock

_log = logging.getLogger(__name__)


class S3Files:
    """Media files below a prefix of a bucket, with a health check."""

    def __init__(
        self,
        bucket: Bucket,
        url_signer: UrlSigner,
        health_check: S3HealthCheck,
        clock: Clock,
        timeouts: Timeouts,
    ) -> None:
        """Use an open bucket; see `open_s3_files`."""
        self._bucket = bucket
        self._url_signer = url_signer
        self._health_check = health_check
        self._clock = clock
        self._timeouts = timeouts
        self._reads = ReadConnections(MAX_READS, timeouts.read_connection)

    async def write(self, storage_key: str, content: BinaryIO, content_type: str) -> None:
        """Store the file durably."""
        is_large = has_several_parts(content)
        timeout = self._timeouts.multipart if is_large else self._timeouts.total
        async with translated_errors(timeout):
            await self._bucket.write(storage_key, content, content_type)

    async def get_size(self, storage_key: str) -> int | None:
        """Return the size of the file, or None if it does not exist."""
        async with self._reads.connection(), translated_errors(self._timeouts.total):
            return await self._bucket.get_size(storage_key)

    @asynccontextmanager
    async def open_file(
        self, storage_key: str, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[StoredFile | None]:
        """Open the file for reading until the end of the block; None if it does not exist."""
        reader = ObjectReader(
            self._bucket, self._reads, storage_key, self._timeouts.total, start, stop
        )
        try:
            size = await reader.open()
            yield StoredFile(size, reader.read_chunks(size)) if size is not None else None
        finally:
            reader.disconnect()

    async def list_files(self) -> AsyncIterator[str]:
        """List the storage keys of all files."""
        token: str | None = None
        while True:
            async with translated_errors(self._timeouts.total):
                keys, token = await self._bucket.list_page(token)
            for key in keys:
                yield key
            if token is None:
                return

    async def delete(self, storage_key: str) -> None:
        """Delete the file."""
        async with translated_errors(self._timeouts.delete):
            await self._bucket.delete(storage_key)

    async def url_for(self, storage_key: str) -> MediaUrl:
        """Return a presigned URL."""
        return self._url_signer.sign(storage_key, self._clock.now())

    async def delete_unfinished(self, before: datetime) -> int:
        """Abort multipart uploads that began before this time, and return their number."""
        async with translated_errors(self._timeouts.multipart):
            return await self._bucket.delete_unfinished(before)

    async def check(self) -> None:
        """Check whether the bucket is usable."""
        async with translated_errors(self._timeouts.health_check):
            await self._health_check.check()


@asynccontextmanager
async def open_s3_files(
    bucket: str,
    prefix: str = "",
    *,
    endpoint: str | None,
    region: str,
    access_key: str,
    secret_key: str,
    cache_control: str,
    clock: Clock,
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
) -> AsyncIterator[S3Files]:
    """Open an existing bucket and check that it is usable. A missing bucket is not created.

    A store that does not respond is no error: it may be back when it is needed.

    Args:
        bucket: Name of the bucket.
        prefix: Prefix of all object keys; slashes around it are ignored.
        endpoint: URL of the store, or None for Amazon.
        region: Region of the bucket.
        access_key: Access key ID.
        secret_key: Secret access key.
        cache_control: The header of files that are read by a public URL.
        clock: Source of the current time.
        timeouts: Time limits.

    Raises:
        ConfigurationError: The store rejects the bucket or the keys, or a name is invalid.
    """
    connection = Connection(endpoint, region, access_key, secret_key)
    store = f"s3://{bucket}" + (f" at {endpoint}" if endpoint else "")
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(open_client(connection, bucket, timeouts))
            path = prefix.strip("/")
            objects = Bucket(client, bucket, f"{path}/" if path else "", cache_control)
            url_signer = await make_url_signer(objects, connection)
            health_check = S3HealthCheck(objects, clock)
        except (*STORE_ERRORS, ValueError) as error:
            raise not_usable(store, error) from None
        try:
            async with asyncio.timeout(timeouts.health_check):
                await health_check.check()
        except STORE_ERRORS as error:
            problem = not_usable(store, error)
            if not not_responding(error):
                raise problem from None
            _log.warning({"event": "media_store_unavailable", "reason": str(problem)})
        yield S3Files(objects, url_signer, health_check, clock, timeouts)
