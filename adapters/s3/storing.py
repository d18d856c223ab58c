"""How a file gets into the bucket, and out of it: in one step that is either done or not.

An upload in parts is seen by nobody until it is completed.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from adapters.s3.errors import STORE_ERRORS
from adapters.s3.folder import Folder

if TYPE_CHECKING:
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef

PART: Final = 8 * 1024 * 1024
"""What is larger goes up in parts of this size, so that a broken connection costs one of them."""
_CACHING: Final = "public, max-age=3600"
"""A file never changes; how long copies outlive a deletion is what this decides."""
_GIVING_UP: Final = 5.0


async def store(folder: Folder, name: str, content: bytes, content_type: str) -> None:
    """Keep the file; it is durable when this returns."""
    if len(content) > PART:
        await _in_parts(folder, name, content, content_type)
        return
    kept = await folder.client.put_object(
        Bucket=folder.bucket,
        Key=folder.key(name),
        Body=content,
        ContentType=content_type,
        CacheControl=_CACHING,
    )
    # A web server that agrees to everything keeps nothing; S3 says what it keeps.
    _ = kept["ETag"]


async def remove(folder: Folder, name: str) -> None:
    """Remove the file; one that is not there is no error."""
    # Amazon knows no such error when it deletes; some of those who copied it do.
    with suppress(folder.client.exceptions.NoSuchKey):
        await folder.client.delete_object(Bucket=folder.bucket, Key=folder.key(name))


async def _in_parts(folder: Folder, name: str, content: bytes, content_type: str) -> None:
    begun = await folder.client.create_multipart_upload(
        Bucket=folder.bucket,
        Key=folder.key(name),
        ContentType=content_type,
        CacheControl=_CACHING,
    )
    upload_id = begun["UploadId"]
    try:
        parts = await _parts(folder, name, content, upload_id)
        await folder.client.complete_multipart_upload(
            Bucket=folder.bucket,
            Key=folder.key(name),
            UploadId=upload_id,
            MultipartUpload={"Parts": parts},
        )
    except BaseException:
        await _give_up(folder, name, upload_id)
        raise


async def _parts(
    folder: Folder, name: str, content: bytes, upload_id: str
) -> "list[CompletedPartTypeDef]":
    parts: list[CompletedPartTypeDef] = []
    # One after the other: when one fails, no other is under way that would outlive giving up.
    for number, start in enumerate(range(0, len(content), PART), start=1):
        sent = await folder.client.upload_part(
            Bucket=folder.bucket,
            Key=folder.key(name),
            UploadId=upload_id,
            PartNumber=number,
            Body=content[start : start + PART],
        )
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    return parts


async def _give_up(folder: Folder, name: str, upload_id: str) -> None:
    """Leave nothing behind, if the store lets us; what stays is discarded as unfinished."""
    with suppress(*STORE_ERRORS):
        async with asyncio.timeout(_GIVING_UP):
            await folder.client.abort_multipart_upload(
                Bucket=folder.bucket, Key=folder.key(name), UploadId=upload_id
            )
