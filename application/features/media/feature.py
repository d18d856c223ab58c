"""Build the use cases of the library, and what is shown and exported of one."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from application.additions import Additions
from application.administration.export_files import ExportFile, MissingFiles, json_file
from application.core_ports import CorePorts
from application.features.media.check_media import CheckMedia
from application.features.media.deletions import CleanUpLibrary, MarkForDeletion, RetryDeletions
from application.features.media.library import (
    CategorizeItem,
    DeleteItem,
    FindItem,
    GetItem,
    ListItems,
    OpenFile,
)
from application.features.media.limits import UploadLimiter
from application.features.media.media_urls import MediaAccess, MediaUrls
from application.features.media.moderate_items import ModerateItems
from application.features.media.ports import (
    ImagePublisher,
    MediaFiles,
    MediaItems,
    MediaRepositories,
    MediaUsages,
    TemporaryFiles,
)
from application.features.media.quota import LibraryQuota
from application.features.media.rebuild_variants import RebuildVariants
from application.features.media.upload_image import IdempotentUploads, UploadImage
from application.operations.check_readiness import CheckedPart
from application.operations.cleanup import REFUSED_DELETIONS
from application.ports.system import HealthCheck, MonotonicClock
from application.require import require
from application.use_cases import UseCases
from domain.access import LibraryVisibility
from domain.cursor import MAX_PAGE_SIZE, Cursor
from domain.features.media.image import VariantSpec
from domain.features.media.item import ItemFilter, MediaItem
from domain.features.media.usage import MediaUsage, Quota
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True)
class LibraryDetails:
    """What a user has in the library, and may have there."""

    usage: MediaUsage
    quota: Quota


def show_libraries(media_usages: MediaUsages, quota: Quota) -> Additions:
    """Return what shows libraries. Only records are read."""

    async def load(identity: Identity | None) -> LibraryDetails | None:
        if identity is None or identity.is_deleted:
            return None
        usage = await media_usages.load(identity.id)
        return LibraryDetails(usage.value if usage else MediaUsage(identity.id), quota)

    return Additions(details=(load,), cleaned_up=("library",))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPorts:
    """What the library needs of the outside world, besides the database.

    `is_shared` is whether other machines use the media store too.
    """

    files: MediaFiles
    image_publisher: ImagePublisher
    temporary_files: TemporaryFiles
    upload_clock: MonotonicClock
    health: HealthCheck
    is_shared: bool = True


def require_ports(ports: MediaPorts | None) -> MediaPorts:
    """Return the ports of a store that is open.

    Raises:
        UseCasesNotOpen
    """
    return require(ports, "the media store is")


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPolicy:
    """What the operator decides about the library."""

    access: MediaAccess = MediaAccess.PUBLIC
    service_url: str = ""
    public_url: str | None = None
    url_variant: str | None = None
    variant_specs: Sequence[VariantSpec] = ()
    quota: Quota = Quota()
    visibility: LibraryVisibility = LibraryVisibility.ALL


class Library:
    """The items, and what deletes them. The core needs it.

    `files` is None where the store is not open: then the cleanup of the service deletes files.
    """

    def __init__(
        self,
        core_ports: CorePorts,
        repositories: MediaRepositories,
        policy: MediaPolicy,
        files: MediaFiles | None = None,
    ) -> None:
        items, clock = repositories.items, core_ports.system.clock
        identities = core_ports.repositories.identities
        self.repositories = repositories
        self.quota = LibraryQuota(repositories.usages, items, identities, clock, policy.quota)
        self.mark_for_deletion = MarkForDeletion(items, files, self.quota, clock)
        self.additions = Additions(after_deletion=(self.mark_for_deletion.mark_batch_of,))


def clean_up_library(library: Library, ports: MediaPorts, retry: RetryDeletions) -> Additions:
    """Return what the core does with the store, besides what it does with the items."""
    repositories = library.repositories
    cleanup = CleanUpLibrary(
        media_items=repositories.items,
        idempotency_keys=repositories.idempotency_keys,
        media_files=ports.files,
        mark_for_deletion=library.mark_for_deletion,
        retry_deletions=retry,
        quota=library.quota,
    )
    return replace(
        library.additions,
        cleanup_steps=cleanup.steps(),
        final_cleanups={REFUSED_DELETIONS: cleanup.count_refused},
        on_purge=(cleanup.forget_identity,),
        checked_parts={"media": CheckedPart(ports.health, is_own=not ports.is_shared)},
        exported=(ExportLibrary(repositories.items, repositories.usages, ports.files),),
    )


class LibraryFeature:
    """What is possible without the media store: to hide items, and to mark them for deletion."""

    def __init__(self, core: UseCases, library: Library) -> None:
        self.repositories, self.quota = library.repositories, library.quota
        self.mark_for_deletion = library.mark_for_deletion
        self.moderate_items = ModerateItems(
            media_items=self.repositories.items,
            identities=core.repositories.identities,
            mark_for_deletion=self.mark_for_deletion,
            record_act=core.record_act,
        )


@dataclass(frozen=True, slots=True)
class Media:
    """The moderation, and what needs the store, where that is open."""

    moderation: LibraryFeature
    _media: "MediaFeature | None" = None

    @property
    def ports(self) -> "MediaPorts | None":
        return self._media.ports if self._media else None

    @property
    def media(self) -> "MediaFeature":
        return require(self._media, "the media store is")


class MediaFeature:
    """The use cases of the library that need the media store."""

    def __init__(
        self,
        core: UseCases,
        library: LibraryFeature,
        ports: MediaPorts,
        policy: MediaPolicy,
        retry: RetryDeletions,
    ) -> None:
        repositories = library.repositories
        items, files, clock = repositories.items, ports.files, core.system.clock
        identities, record_act = core.repositories.identities, core.record_act
        find_item = FindItem(items, identities, policy.visibility)

        self.ports = ports
        self.upload_limiter = UploadLimiter(ports.temporary_files, ports.upload_clock)
        self.media_urls = MediaUrls(
            files,
            core.keyed_hashes,
            clock,
            policy.access,
            policy.service_url,
            policy.public_url,
            policy.url_variant,
        )
        self.upload_image = UploadImage(
            identities=identities,
            media_items=items,
            media_files=files,
            media_urls=self.media_urls,
            image_publisher=ports.image_publisher,
            temporary_files=ports.temporary_files,
            mark_for_deletion=library.mark_for_deletion,
            quota=library.quota,
            idempotent_uploads=IdempotentUploads(repositories.idempotency_keys, items, clock),
            clock=clock,
            randomness=core.system.randomness,
            record_act=record_act,
            variant_specs=policy.variant_specs,
        )
        self.list_items = ListItems(items, identities, self.media_urls, policy.visibility)
        self.get_item = GetItem(find_item, self.media_urls)
        self.categorize_item = CategorizeItem(find_item, items, self.media_urls, record_act)
        self.delete_item = DeleteItem(find_item, library.mark_for_deletion, record_act)
        self.open_file = OpenFile(find_item, files)
        self.rebuild_variants = RebuildVariants(
            items, files, ports.image_publisher, core.system.randomness, policy.variant_specs
        )
        self.check_media = CheckMedia(items, files, library.mark_for_deletion, library.quota)
        self.retry_deletions = retry
