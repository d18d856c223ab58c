from datetime import datetime

from adapters.s3.folder import Folder


async def discard_unfinished(folder: Folder, before: datetime) -> int:
    """Give up the uploads in parts that were begun before then; say how many."""
    discarded = 0
    pages = folder.client.get_paginator("list_multipart_uploads").paginate(
        Bucket=folder.bucket, Prefix=folder.prefix
    )
    async for page in pages:
        for upload in page.get("Uploads", []):
            if upload["Initiated"] < before:
                discarded += await _discard(folder, upload["Key"], upload["UploadId"])
    return discarded


async def _discard(folder: Folder, key: str, upload_id: str) -> bool:
    try:
        await folder.client.abort_multipart_upload(
            Bucket=folder.bucket, Key=key, UploadId=upload_id
        )
    except folder.client.exceptions.NoSuchUpload:
        # Another instance was faster, or it was completed at this moment.
        return False
    return True
