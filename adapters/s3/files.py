import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

from adapters.s3.errors import STORE_ERRORS, at_open, told_apart
from adapters.s3.folder import Access, Folder, open_folder
from adapters.s3.patience import PATIENCE, Patience
from adapters.s3.probe import BucketProbe
from adapters.s3.reading import open_file
from adapters.s3.signing import Signer, signer_of
from adapters.s3.storing import PART, remove, store
from adapters.s3.unfinished import discard_unfinished
from application.ports.clock import Clock
from application.ports.media_files import MediaUrl, StoredFile


class S3Files:
    """Files by storage key below a prefix of a bucket, and whether that bucket can be used."""

    def __init__(
        self,
        folder: Folder,
        addresses: str | Signer,
        probe: BucketProbe,
        clock: Clock,
        patience: Patience,
    ) -> None:
        self._folder = folder
        self._addresses = addresses
        self._probe = probe
        self._clock = clock
        self._patience = patience

    async def write(self, storage_key: str, content: bytes, content_type: str) -> None:
        patience = self._patience.upload if len(content) > PART else self._patience.request
        async with told_apart(patience):
            await store(self._folder, storage_key, content, content_type)

    async def open_file(self, storage_key: str) -> StoredFile | None:
        async with told_apart(self._patience.request):
            return await open_file(self._folder, storage_key)

    async def delete(self, storage_key: str) -> None:
        async with told_apart(self._patience.removal):
            await remove(self._folder, storage_key)

    async def url_for(self, storage_key: str) -> MediaUrl:
        if isinstance(self._addresses, str):
            return MediaUrl(f"{self._addresses}/{storage_key}")
        return self._addresses.address(storage_key, self._clock.now())

    async def delete_unfinished(self, before: datetime) -> int:
        async with told_apart(self._patience.upload):
            return await discard_unfinished(self._folder, before)

    async def check(self) -> None:
        async with told_apart(self._patience.look):
            await self._probe.look()


@asynccontextmanager
async def open_s3_files(
    bucket: str,
    prefix: str = "",
    *,
    endpoint: str | None,
    region: str,
    access_key: str,
    secret_key: str,
    public_url: str | None,
    clock: Clock,
    patience: Patience = PATIENCE,
) -> AsyncIterator[S3Files]:
    """Open the bucket, which must be there: nothing makes one by mistake.

    URLs are `public_url`, a slash and the storage key (the prefix is not in them), or signed
    ones that open for a day.

    Raises:
        MediaStoreNotUsable
    """
    access = Access(endpoint, region, access_key, secret_key)
    async with AsyncExitStack() as stack:
        try:
            folder = await stack.enter_async_context(open_folder(access, bucket, prefix, patience))
            signer = await signer_of(folder, access)
            probe = BucketProbe(folder, clock)
            async with asyncio.timeout(patience.request):
                await probe.look()
        except (*STORE_ERRORS, ValueError) as error:
            place = f"s3://{bucket}" + (f" at {endpoint}" if endpoint else "")
            raise at_open(place, error) from None
        addresses = public_url.rstrip("/") if public_url else signer
        yield S3Files(folder, addresses, probe, clock, patience)
