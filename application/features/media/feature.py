"""Build the use cases of the library from its ports and its policy."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.core import UseCasesNotOpen
from application.features.media.check_media import CheckMedia
from application.features.media.cleanup import CleanUpLibrary
from application.features.media.deletions import MarkForDeletion, RetryDeletions
from application.features.media.export import ExportLibrary
from application.features.media.idempotency import IdempotentUploads
from application.features.media.library import (
    CategorizeItem,
    DeleteItem,
    FindItem,
    GetItem,
    ListItems,
)
from application.features.media.limits import UploadLimiter
from application.features.media.media_urls import MediaAccess, MediaUrls
from application.features.media.moderate_items import ModerateItems
from application.features.media.open_file import OpenFile
from application.features.media.ports import (
    ImagePublisher,
    MediaFiles,
    MediaRepositories,
    TemporaryFiles,
)
from application.features.media.quota import LibraryQuota
from application.features.media.rebuild_variants import RebuildVariants
from application.features.media.upload_image import UploadImage
from application.ports.system import HealthCheck, MonotonicClock
from application.use_cases import UseCases
from domain.access import LibraryVisibility
from domain.features.media.image import VariantSpec
from domain.features.media.usage import Quota


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
    if ports is None:
        raise UseCasesNotOpen("the media store is not open")
    return ports


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


class LibraryFeature:
    """What is possible without the media store: to hide items, and to mark them for deletion.

    `files` is None where the store is not open: then the cleanup of the service deletes files.
    """

    def __init__(
        self,
        core: UseCases,
        repositories: MediaRepositories,
        policy: MediaPolicy,
        files: MediaFiles | None = None,
    ) -> None:
        items, clock = repositories.items, core.system.clock
        identities = core.repositories.identities
        self.repositories = repositories
        self.files = files
        self.quota = LibraryQuota(repositories.usages, items, identities, clock, policy.quota)
        self.mark_for_deletion = MarkForDeletion(items, files, self.quota, clock)
        self.moderate_items = ModerateItems(
            media_items=items,
            identities=identities,
            mark_for_deletion=self.mark_for_deletion,
            record_act=core.record_act,
        )
        core.identities.extensions.after_deletion.append(self.mark_for_deletion.mark_some_of)


class MediaFeature:
    """The use cases of the library that need the media store."""

    def __init__(
        self,
        core: UseCases,
        library: LibraryFeature,
        ports: MediaPorts,
        policy: MediaPolicy,
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
        self.retry_deletions = RetryDeletions(items, files, clock)
        cleanup = CleanUpLibrary(
            media_items=items,
            idempotency_keys=repositories.idempotency_keys,
            media_files=files,
            mark_for_deletion=library.mark_for_deletion,
            retry_deletions=self.retry_deletions,
            quota=library.quota,
        )
        core.operations.cleanup.add_steps(cleanup.steps())
        core.operations.cleanup.add_final(cleanup.count_refused)
        core.operations.cleanup.on_purge(cleanup.forget_identity)
        core.operations.check_readiness.add("media", ports.health, is_own=not ports.is_shared)
        core.administration.export_parts.append(ExportLibrary(items, repositories.usages, files))
