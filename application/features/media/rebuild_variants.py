"""Make the variants of older items after the settings changed."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Final

from application.features.media.deletions import delete_files
from application.features.media.media_urls import make_variants, write_files
from application.features.media.ports import ImagePublisher, MediaFiles, MediaItems
from application.ports.errors import ConcurrencyConflict
from application.ports.system import Randomness
from application.ports.versioned import Versioned
from domain.errors import DomainError
from domain.features.media.errors import ItemNotFound, MediaFileNotFound
from domain.features.media.image import VariantSpec
from domain.features.media.item import ItemFilter, MediaItem

BATCH_SIZE: Final = 100
PARALLEL_ITEMS: Final = 4
_NO_LIMIT: Final = 10**9
_MAX_ATTEMPTS: Final = 5

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """How many items were read, got new variants, or have an image that cannot be decoded."""

    checked_items: int
    rebuilt_items: int
    failed_items: int


@dataclass(frozen=True, slots=True)
class RebuildVariants:
    """Give all items the variants that the settings name, and no others; hidden items too.

    - Items that have them already are only read. So the next run continues an interrupted one.
    - Storage keys are in the record before their files are written, and until their files are
      deleted. So no file is left without a record, and former URLs work until the new ones do.
    - An item that is changed meanwhile, by its owner or another run, begins anew. So no run deletes
      files that another run has put into the record.
    """

    media_items: MediaItems
    media_files: MediaFiles
    image_publisher: ImagePublisher
    randomness: Randomness
    variant_specs: Sequence[VariantSpec]

    async def __call__(self, open_temporary_file: Callable[[], BinaryIO]) -> RebuildReport:
        """Rebuild the variants of all items. The log has the progress."""
        filters = (ItemFilter(), ItemFilter(is_hidden=True))
        total = sum([await self.media_items.count(each, _NO_LIMIT) for each in filters])
        results, last_id = list[bool | None](), ""
        while page := await self.media_items.list_by_id(last_id, BATCH_SIZE):
            last_id = page[-1].value.id
            items = [loaded.value for loaded in page if loaded.value.has_files]
            for start in range(0, len(items), PARALLEL_ITEMS):
                batch = items[start : start + PARALLEL_ITEMS]
                rebuilding = (self._try_rebuild(item, open_temporary_file) for item in batch)
                results += await asyncio.gather(*rebuilding)
            _log.info(
                {
                    "event": "variants_rebuilt",
                    "checked_items": len(results),
                    "all_items": total,
                    "rebuilt_items": results.count(True),
                    "failed_items": results.count(None),
                }
            )
        return RebuildReport(len(results), results.count(True), results.count(None))

    async def _try_rebuild(
        self, item: MediaItem, open_temporary_file: Callable[[], BinaryIO]
    ) -> bool | None:
        """Return whether the item got new variants; None if that is not possible."""
        if item.has_variants(self.variant_specs):
            return False
        try:
            for _ in range(_MAX_ATTEMPTS):
                with suppress(ConcurrencyConflict), open_temporary_file() as file:
                    return await self._rebuild(item.id, file)
            reason = ConcurrencyConflict.__name__
        except ItemNotFound:  # it has been deleted since
            return False
        except DomainError as error:
            reason = type(error).__name__
        _log.warning({"event": "variants_failed", "item_id": item.id, "reason": reason})
        return None

    async def _rebuild(self, item_id: str, file: BinaryIO) -> bool:
        loaded = await self._load(item_id)
        item = loaded.value
        if item.has_variants(self.variant_specs):
            return False
        async with self.media_files.open_file(item.storage_key) as stored:
            if stored is None:
                raise MediaFileNotFound
            async for chunk in stored.chunks:
                file.write(chunk)
        file.seek(0)
        async with self.image_publisher.encode_variants(file, self.variant_specs) as encoded:
            variants = make_variants(item.id, self.variant_specs, encoded, self.randomness)
            files = {variant.storage_key: encoded[variant.name] for variant in variants}
            begun = await self._replace(loaded, item.with_unused_keys(*item.unused_keys, *files))
            await write_files(self.media_files, files)
        try:
            changed = await self._replace(begun, begun.value.replace_variants(variants))
        except ConcurrencyConflict:
            await delete_files(self.media_files, files)
            raise
        await delete_files(self.media_files, changed.value.unused_keys)
        await self._replace(changed, changed.value.with_unused_keys())
        return True

    async def _load(self, item_id: str) -> Versioned[MediaItem]:
        loaded = await self.media_items.load(item_id)
        if loaded is None or not loaded.value.has_files:
            raise ItemNotFound
        return loaded

    async def _replace(
        self, loaded: Versioned[MediaItem], changed: MediaItem
    ) -> Versioned[MediaItem]:
        if await self.media_items.replace(changed, loaded.version):
            current = await self._load(changed.id)
            if current.value == changed:
                return current
        raise ConcurrencyConflict("an item was changed while its variants were made")
