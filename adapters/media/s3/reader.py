"""Reading the objects of a bucket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from adapters.media.s3.client import DEFAULT_TIMEOUTS, Bucket, S3Connection, S3Timeouts, open_client
from adapters.media.s3.credentials import find_credentials
from adapters.media.s3.errors import (
    STORE_ERRORS,
    files_unavailable,
    not_usable,
    status_of,
    translated_errors,
)
from application.features.media.ports import StoredFile

if TYPE_CHECKING:
    from aiobotocore.response import StreamingBody
    from types_aiobotocore_s3.type_defs import GetObjectRequestTypeDef

CHUNK_SIZE: Final = 64 * 1024


class BucketReader:
    """Reads objects below a prefix of a bucket. It writes nothing."""

    def __init__(self, bucket: Bucket, timeouts: S3Timeouts) -> None:
        """Use an open bucket; see `open_bucket_reader`."""
        self._bucket = bucket
        self._timeouts = timeouts

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


@asynccontextmanager
async def open_bucket_reader(
    bucket: str, connection: S3Connection, timeouts: S3Timeouts = DEFAULT_TIMEOUTS
) -> AsyncIterator[BucketReader]:
    """Open an existing bucket, and check that its objects may be listed: nothing is written.

    Without that permission, S3 answers that the access to a missing object is denied.

    Raises:
        ConfigurationError: The store does not respond, rejects the bucket or the keys, or there
            are no keys.
    """
    store = f"s3://{bucket}" + (f" at {connection.endpoint}" if connection.endpoint else "")
    async with AsyncExitStack() as stack:
        try:
            credentials = await find_credentials(connection, timeouts.credentials)
            opening = open_client(credentials.session, connection, bucket, timeouts)
            client = await stack.enter_async_context(opening)
            async with asyncio.timeout(timeouts.total):
                await client.list_objects_v2(Bucket=bucket, MaxKeys=1)
        except (*STORE_ERRORS, ValueError) as error:
            raise not_usable(store, error) from None
        yield BucketReader(Bucket(client, bucket, ""), timeouts)


async def _read_chunks(body: "StreamingBody") -> AsyncIterator[bytes]:
    try:
        while chunk := await body.read(CHUNK_SIZE):
            yield chunk
    except STORE_ERRORS as error:
        raise files_unavailable(error) from None
