"""The files of items: their names, their URLs, and who may open them."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hmac import compare_digest

from application.features.media.ports import EncodedImage, MediaFiles, MediaUrl, url_expiry
from application.ports.keyed_hashes import KeyedHashes
from application.ports.system import Clock, Randomness
from domain.features.media.image import FULL_IMAGE, VariantSpec
from domain.features.media.item import STORAGE_KEY_BYTES, MediaItem, Variant, make_storage_key


def make_variants(
    item_id: str,
    specs: Sequence[VariantSpec],
    encoded: Mapping[str, EncodedImage],
    randomness: Randomness,
) -> tuple[Variant, ...]:
    """Return the variants of an item, each with a new storage key."""
    return tuple(
        Variant(
            spec.name,
            spec.size,
            make_storage_key(
                item_id,
                randomness.bytes(STORAGE_KEY_BYTES),
                encoded[spec.name].image.format.suffix,
                spec,
            ),
            encoded[spec.name].image,
        )
        for spec in specs
    )


async def finish_all(operations: Iterable[Awaitable[object]]) -> None:
    """Run operations at the same time. All have ended at the end, also after an error."""
    for result in await asyncio.gather(*operations, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


async def write_files(media_files: MediaFiles, images: Mapping[str, EncodedImage]) -> None:
    """Store images by storage key. All have been tried at the end, also after an error."""
    await finish_all(
        media_files.write(key, encoded.file, encoded.image.format.content_type)
        for key, encoded in images.items()
    )


class MediaAccess(StrEnum):
    """Who may open the file of an item: everybody who knows its URL, or its owner only."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class LibraryItem:
    """A ready item with the URL of its image, and those of its variants by name."""

    item: MediaItem
    url: MediaUrl
    variants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileAccess:
    """Who may open a file at a URL, and how long a client may keep it.

    Attributes:
        needs_token: The URL alone does not open the file.
        remaining: How long the URL is valid; None if it does not expire.
    """

    needs_token: bool = False
    remaining: timedelta | None = None


@dataclass(frozen=True, slots=True)
class MediaUrls:
    """Makes URLs that need no access token, and checks those of the service.

    All lead to the public URL of the store, if it has one. If media is private and the store's do
    not expire, they are of the service, with a signature. A URL stays the same for a day (UTC), so
    that caches work.

    Where URLs expire, the storage key that they contain opens nothing: a request to the service
    needs the signature or an access token. Otherwise the expiry would protect little.

    Attributes:
        url_variant: The variant that the URL of an item leads to, if the item has it; None for the
            image itself.
    """

    media_files: MediaFiles
    keyed_hashes: KeyedHashes
    clock: Clock
    access: MediaAccess
    service_url: str
    public_url: str | None
    url_variant: str | None

    async def make_library_item(self, item: MediaItem) -> LibraryItem:
        """Return the item with its URLs.

        If its own leads to a variant, `full` leads to the image.
        """
        full = shown = await self.url_for(item.storage_key)
        variants: dict[str, str] = {}
        for variant in item.variants:
            url = await self.url_for(variant.storage_key)
            variants[variant.name] = url.url
            if variant.name == self.url_variant:
                shown = url
        if shown is not full:
            variants[FULL_IMAGE] = full.url
        return LibraryItem(item, shown, variants)

    async def url_for(self, storage_key: str) -> MediaUrl:
        if self.public_url is not None:
            return MediaUrl(f"{self.public_url}/{storage_key}")
        url = await self.media_files.url_for(storage_key)
        if url.expires_at is not None or self.access is MediaAccess.PUBLIC:
            return url
        expires_at = url_expiry(self.clock.now())
        expires = str(int(expires_at.timestamp()))
        signature = self._sign(storage_key, expires)
        return MediaUrl(
            f"{self.service_url}/{storage_key}?expires={expires}&signature={signature}", expires_at
        )

    async def check_access(self, storage_key: str, expires: str, signature: str) -> FileAccess:
        """Return how the service may serve a file to a request without an access token.

        `expires` and `signature` are parameters of the URL, or empty texts.
        """
        if (await self.url_for(storage_key)).expires_at is None:
            return FileAccess()
        if compare_digest(signature.encode(), self._sign(storage_key, expires).encode()):
            remaining = datetime.fromtimestamp(int(expires), UTC) - self.clock.now()
            if remaining > timedelta():
                return FileAccess(remaining=remaining)
        return FileAccess(needs_token=True)

    def _sign(self, storage_key: str, expires: str) -> str:
        return self.keyed_hashes.sign_url(f"{storage_key} {expires}")
