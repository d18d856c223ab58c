"""Files of items: names for variants, and writing them."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence

from application.features.media.ports import EncodedImage, MediaFiles
from application.ports.system import Randomness
from domain.features.media.image import VariantSpec
from domain.features.media.item import STORAGE_KEY_BYTES, Variant, make_storage_key


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
