"""The library in an export of a person."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from application.administration.export_part import ExportFile, MissingFiles, json_file
from application.features.media.ports import MediaFiles, MediaItems, MediaUsages
from domain.cursor import MAX_PAGE_SIZE, Cursor
from domain.features.media.item import MediaItem
from domain.features.media.page import ItemFilter
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True)
class ExportLibrary:
    """The items of a person, also hidden ones: they are still stored, and count in the quota.

    Images are opened one at a time, and never held in memory.
    """

    media_items: MediaItems
    media_usages: MediaUsages
    media_files: MediaFiles

    explained_files: ClassVar[Mapping[str, str]] = {
        "library.json": "your pictures: type, category, size and time",
        "library/": "the pictures, as the service publishes them",
    }

    async def check(self, identity: Identity) -> None:
        """Check that the media store answers for the first image. It may be full."""
        async with aclosing(self._list_items(identity.id)) as items:
            async for item in items:
                await self.media_files.get_size(item.storage_key)
                return

    async def __call__(
        self, identity: Identity, now: datetime, missing: MissingFiles
    ) -> AsyncGenerator[ExportFile, None]:
        identity_id = identity.id
        described = [_describe_item(item) async for item in self._list_items(identity_id)]
        usage = await self.media_usages.load(identity_id)
        library = {
            "bytes": usage.value.bytes if usage else 0,
            "items": described,
        }
        yield json_file("library.json", library, now)
        async with aclosing(self._list_items(identity_id)) as items:
            async for item in items:
                async with self.media_files.open_file(item.storage_key) as stored:
                    if stored is None:
                        missing.add(_item_name(item))
                        continue
                    yield ExportFile(_item_name(item), item.created_at, stored.chunks)

    async def _list_items(self, identity_id: str) -> AsyncGenerator[MediaItem, None]:
        """List ready and hidden items, each once, also one that is hidden or shown meanwhile."""
        listed = set[str]()
        for is_hidden in (True, False, True):
            item_filter = ItemFilter(owner_id=identity_id, is_hidden=is_hidden)
            page = await self.media_items.list_page(item_filter, 0, MAX_PAGE_SIZE)
            while page:
                for item in page:
                    if item.id not in listed:
                        listed.add(item.id)
                        yield item
                cursor = Cursor(page[-1].created_at, page[-1].id)
                page = await self.media_items.list_after(item_filter, cursor, MAX_PAGE_SIZE)


def _describe_item(item: MediaItem) -> Mapping[str, Any]:
    return {
        "id": item.id,
        "file": _item_name(item),
        "type": item.kind.value,
        "category": item.category,
        "created_at": item.created_at,
        "is_hidden_by_operator": item.is_hidden,
        "width": item.image.width,
        "height": item.image.height,
        "bytes": item.image.bytes,
        "smaller_copies": [variant.name for variant in item.variants],
    }


def _item_name(item: MediaItem) -> str:
    return f"library/{item.id}.{item.storage_key.rpartition('.')[2]}"
