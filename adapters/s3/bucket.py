"""Objects below a prefix of a bucket: write, read and delete.

Methods raise the exceptions of botocore and aiohttp (`adapters.s3.errors.STORE_ERRORS`).
"""

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO, Final

from botocore.exceptions import ClientError

from adapters.s3.errors import STORE_ERRORS, status_of

if TYPE_CHECKING:
    from aiobotocore.response import StreamingBody
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import (
        CompletedPartTypeDef,
        GetObjectRequestTypeDef,
        ListObjectsV2RequestTypeDef,
    )

PART_SIZE: Final = 5 * 1024 * 1024
"""Larger files are uploaded in parts of this size, the smallest of S3. One is in memory at a time,
and a lost connection costs one part."""
_ABORT_TIMEOUT: Final = 5.0


def has_several_parts(content: BinaryIO) -> bool:
    """Return whether what is left of a file is larger than one part."""
    position = content.tell()
    size = content.seek(0, os.SEEK_END) - position
    content.seek(position)
    return size > PART_SIZE


@dataclass(frozen=True, slots=True)
class Bucket:
    """The objects of a bucket below a prefix, which is empty or ends with a slash."""

    client: "S3Client"
    name: str
    prefix: str
    cache_control: str = "no-store"

    def object_key(self, storage_key: str) -> str:
        """Return the object's key in the bucket."""
        return f"{self.prefix}{storage_key}"

    async def write(self, storage_key: str, content: BinaryIO, content_type: str) -> None:
        """Store an object durably. A multipart upload is invisible until it is complete.

        See https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html.
        """
        if has_several_parts(content):
            await self._upload_multipart(storage_key, content, content_type)
            return
        response = await self.client.put_object(
            Bucket=self.name,
            Key=self.object_key(storage_key),
            Body=await asyncio.to_thread(content.read),
            ContentType=content_type,
            CacheControl=self.cache_control,
        )
        # Some web servers answer any request with 200. S3 always returns an ETag.
        _ = response["ETag"]

    async def get_size(self, storage_key: str) -> int | None:
        """Return the size of an object in bytes, or None if it does not exist."""
        try:
            response = await self.client.head_object(
                Bucket=self.name, Key=self.object_key(storage_key)
            )
        except ClientError as error:
            # A response to HEAD has no body that could say what does not exist.
            if status_of(error) == HTTPStatus.NOT_FOUND:
                return None
            raise
        return response["ContentLength"]

    async def get(
        self, storage_key: str, start: int = 0, stop: int | None = None
    ) -> "tuple[int, StreamingBody] | None":
        """Request an object from `start` to before `stop`; return size and body of this part.

        The caller closes the body. None is returned if the object does not exist.
        """
        request: GetObjectRequestTypeDef = {
            "Bucket": self.name,
            "Key": self.object_key(storage_key),
        }
        if start or stop is not None:
            request["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
        with suppress(self.client.exceptions.NoSuchKey):
            response = await self.client.get_object(**request)
            return response["ContentLength"], response["Body"]
        return None

    async def list_page(self, token: str | None) -> tuple[list[str], str | None]:
        """Return the storage keys of up to 1,000 objects, and the token of the next page."""
        request: ListObjectsV2RequestTypeDef = {"Bucket": self.name, "Prefix": self.prefix}
        if token is not None:
            request["ContinuationToken"] = token
        page = await self.client.list_objects_v2(**request)
        keys = [entry["Key"].removeprefix(self.prefix) for entry in page.get("Contents", [])]
        return keys, page.get("NextContinuationToken") if page["IsTruncated"] else None

    async def delete(self, storage_key: str) -> None:
        """Delete an object. It is no error if it does not exist."""
        # Amazon does not report a missing object here. Some compatible stores do.
        with suppress(self.client.exceptions.NoSuchKey):
            await self.client.delete_object(Bucket=self.name, Key=self.object_key(storage_key))

    async def delete_unfinished(self, before: datetime) -> int:
        """Abort multipart uploads that began before this time, and return their number."""
        aborted = 0
        pages = self.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self.name, Prefix=self.prefix
        )
        async for page in pages:
            for upload in page.get("Uploads", []):
                if upload["Initiated"] < before:
                    # Another instance may abort or complete the upload at the same time.
                    with suppress(self.client.exceptions.NoSuchUpload):
                        await self._abort(upload["Key"], upload["UploadId"])
                        aborted += 1
        return aborted

    async def _upload_multipart(
        self, storage_key: str, content: BinaryIO, content_type: str
    ) -> None:
        object_key = self.object_key(storage_key)
        response = await self.client.create_multipart_upload(
            Bucket=self.name,
            Key=object_key,
            ContentType=content_type,
            CacheControl=self.cache_control,
        )
        upload_id = response["UploadId"]
        try:
            parts = await self._upload_parts(object_key, upload_id, content)
            await self.client.complete_multipart_upload(
                Bucket=self.name,
                Key=object_key,
                UploadId=upload_id,
                MultipartUpload={"Parts": parts},
            )
        except BaseException:
            # If this fails as well, `delete_unfinished` aborts the upload later.
            with suppress(*STORE_ERRORS):
                async with asyncio.timeout(_ABORT_TIMEOUT):
                    await self._abort(object_key, upload_id)
            raise

    async def _upload_parts(
        self, object_key: str, upload_id: str, content: BinaryIO
    ) -> "list[CompletedPartTypeDef]":
        parts: list[CompletedPartTypeDef] = []
        # Sequential: if a part fails, no other part is in flight that would outlive the abort.
        while part := await asyncio.to_thread(content.read, PART_SIZE):
            number = len(parts) + 1
            response = await self.client.upload_part(
                Bucket=self.name,
                Key=object_key,
                UploadId=upload_id,
                PartNumber=number,
                Body=part,
            )
            parts.append({"PartNumber": number, "ETag": response["ETag"]})
        return parts

    async def _abort(self, object_key: str, upload_id: str) -> None:
        await self.client.abort_multipart_upload(
            Bucket=self.name, Key=object_key, UploadId=upload_id
        )
