"""The library builds itself from its ports and its policy."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.media.check_media import CheckMedia
from application.media.deletions import MarkForDeletion, RetryDeletions
from application.media.idempotency import IdempotentUploads
from application.media.library import CategorizeItem, DeleteItem, FindItem, GetItem, ListItems
from application.media.media_urls import MediaAccess, MediaUrls
from application.media.open_file import OpenFile
from application.media.quota import LibraryQuota
from application.media.rebuild_variants import RebuildVariants
from application.media.upload_image import UploadImage
from application.ports.keyed_hashes import KeyedHashes
from application.ports.media import ImagePublisher, MediaFiles
from application.ports.repositories import Repositories
from application.ports.system import SystemPorts
from application.record_act import RecordAct
from domain.access import LibraryVisibility
from domain.media.image import VariantSpec
from domain.media.usage import Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPorts:
    """What the library needs of the outside world, besides the database."""

    files: MediaFiles
    image_publisher: ImagePublisher
    keyed_hashes: KeyedHashes


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPolicy:
    """What the operator decides about the library.

    Attributes:
        access: Who may open files.
        service_url: The URL below which the service serves them.
        public_url: A URL in front of the media store, or None.
        url_variant: The variant that the URL of an item leads to, or None.
        variant_specs: The variants of each image.
        quota: What one user has at most.
        visibility: Whose items members see.
    """

    access: MediaAccess = MediaAccess.PUBLIC
    service_url: str = ""
    public_url: str | None = None
    url_variant: str | None = None
    variant_specs: Sequence[VariantSpec] = ()
    quota: Quota = Quota()
    visibility: LibraryVisibility = LibraryVisibility.ALL


class MediaFeature:
    """The use cases of the library."""

    def __init__(
        self,
        system: SystemPorts,
        repositories: Repositories,
        ports: MediaPorts,
        policy: MediaPolicy,
        record_act: RecordAct,
    ) -> None:
        items, files, clock = repositories.media_items, ports.files, system.clock
        identities = repositories.identities
        find_item = FindItem(items, identities, policy.visibility)

        self.quota = LibraryQuota(repositories.media_usages, items, identities, clock, policy.quota)
        self.mark_for_deletion = MarkForDeletion(items, files, self.quota, clock)
        self.media_urls = MediaUrls(
            files,
            ports.keyed_hashes,
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
            mark_for_deletion=self.mark_for_deletion,
            quota=self.quota,
            idempotent_uploads=IdempotentUploads(repositories.idempotency_keys, items, clock),
            clock=clock,
            randomness=system.randomness,
            record_act=record_act,
            variant_specs=policy.variant_specs,
        )
        self.list_items = ListItems(items, identities, self.media_urls, policy.visibility)
        self.get_item = GetItem(find_item, self.media_urls)
        self.categorize_item = CategorizeItem(find_item, items, self.media_urls, record_act)
        self.delete_item = DeleteItem(find_item, self.mark_for_deletion, record_act)
        self.open_file = OpenFile(find_item, files)
        self.rebuild_variants = RebuildVariants(
            items, files, ports.image_publisher, system.randomness, policy.variant_specs
        )
        self.check_media = CheckMedia(items, files, self.mark_for_deletion, self.quota)
        self.retry_deletions = RetryDeletions(items, files, clock)
