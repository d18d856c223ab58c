"""The library of pictures, with its moderation."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from adapters.databases.records.features.media import KINDS, make_media_repositories
from application.additions import Additions
from application.features.media.limits import MEGAPIXELS_PER_HOUR, PixelAllowance
from application.features.media.ports import MediaFiles
from application.opened import Opened
from domain.features.media.usage import Quota
from entrypoints.features.feature import Feature, StoreAway
from entrypoints.features.media.opening import check_folder, open_files, open_publisher, try_store
from entrypoints.features.media.settings import RULES, MediaSettings
from entrypoints.features.media.stores import MediaFolder, S3Bucket
from entrypoints.parts.factories import health_check_of
from entrypoints.settings.rules import Check, Library
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import StartupError, name_variable

if TYPE_CHECKING:
    from adapters.operations.metrics.metrics import Metrics
    from application.features.media.deletions import RetryDeletions
    from application.features.media.feature import Library as MediaLibrary
    from application.features.media.feature import Media
    from application.use_cases import UseCases
    from entrypoints.http.additions import HttpAdditions
    from entrypoints.http.administration.user_details import UserFields
    from entrypoints.parts.composition import Composition

__all__ = [
    "IMPORTED_MEDIA",
    "MEDIA",
    "MEDIA_RECORDS",
    "MediaSettings",
    "open_files",
    "retry_deletions",
]

_UPLOAD_ROUTE: Final = "/library/upload"
_RETRY_INTERVAL: Final = timedelta(seconds=20)
"""With the time limits of store and database, a deletion is retried within a minute."""


def _open_library(composition: "Composition", files: MediaFiles | None) -> "MediaLibrary":
    from application.features.media.feature import Library as MediaLibrary

    policy = composition.settings.of(MediaSettings).media_policy()
    repositories = make_media_repositories(composition.database)
    return MediaLibrary(composition.core_ports, repositories, policy, files)


class _MediaRecords(Feature["Media"]):
    """The records of the library without the media store, which a command may not need."""

    name = "media"

    async def open(self, composition: "Composition") -> Opened["Media"]:
        from application.features.media.feature import LibraryFeature, Media

        library = _open_library(composition, None)
        return Opened(lambda core: Media(LibraryFeature(core, library)), library.additions)


MEDIA_RECORDS: Final = _MediaRecords()


def retry_deletions(
    retry: "RetryDeletions", metrics: "Metrics | None"
) -> AbstractAsyncContextManager[None]:
    """Retry deletions that the store refused, in the background until the block ends."""
    from entrypoints.tasks.background_task import repeat

    return repeat(
        "file_deletions",
        retry,
        failed_event="file_deletion_retry_failed",
        pause=_RETRY_INTERVAL,
        metrics=metrics,
    )


class _Media(Feature["Media"]):
    name = "media"
    adapters = ("media",)
    kinds = KINDS
    settings = MediaSettings
    data = ("library",)
    adds_to_export = True
    left_by_deletion = "The files of the library stay until the service deletes them."

    rules = RULES

    def libraries(self, settings: Settings) -> Iterator[Library]:
        if isinstance(settings.of(MediaSettings).media, S3Bucket):
            yield Library("DIALTONE_MEDIA", "s3", "s3://")

    def notes(self, settings: Settings) -> Iterator[str]:
        if unsafe := settings.of(MediaSettings).unsafe_image_url:
            name, url = unsafe
            service = "set DIALTONE_MEDIA_DELIVERY=service or DIALTONE_MEDIA_PUBLIC_URL, or "
            yield (
                f"{name}: The URLs of images begin with {url}. Browsers and apps open https only, "
                "and no name of a network of containers: "
                f"{service if name == 'DIALTONE_S3_ENDPOINT' else ''}name a public https URL."
            )

    def trials(self, settings: Settings) -> "Mapping[str, Check]":
        return {"media": partial(try_store, settings.of(MediaSettings))}

    def user_fields(self) -> "Sequence[type[UserFields]]":
        from entrypoints.http.features.media.fields import LibraryFields

        return (LibraryFields,)

    def http_additions(
        self, settings: "Settings", installed: Sequence[Feature[Any]]
    ) -> "Sequence[HttpAdditions]":
        del installed
        from entrypoints.http.features.media.api import MediaHttpAdditions

        return (MediaHttpAdditions(settings.of(MediaSettings).http_media()),)

    def make_pixel_allowance(self, settings: Settings) -> PixelAllowance | None:
        return PixelAllowance(MEGAPIXELS_PER_HOUR * 10**6 // settings.workers, time.monotonic)

    def details(self, composition: "Composition") -> Additions:
        from application.features.media.feature import show_libraries

        usages = make_media_repositories(composition.database).usages
        quota = Quota(composition.settings.of(MediaSettings).library_quota)
        return show_libraries(usages, quota)

    async def open_store(self, composition: "Composition") -> MediaFiles:
        """Open the media store until the stack is closed; raises StartupError."""
        await check_folder(composition)
        with name_variable("DIALTONE_MEDIA"):
            opening_files = open_files(
                composition.settings, composition.system.clock, is_service=composition.is_service
            )
            return await composition.stack.enter_async_context(opening_files)

    async def open(self, composition: "Composition") -> Opened["Media"]:
        from adapters.media.temporary_files import open_temporary_files
        from adapters.operations.system import HeldHealthCheck
        from application.features.media.deletions import RetryDeletions
        from application.features.media.feature import (
            LibraryFeature,
            Media,
            MediaFeature,
            MediaPorts,
            clean_up_library,
        )

        settings, clock = composition.settings.of(MediaSettings), composition.system.clock
        composition.banner_adapters["media"] = str(settings.media)
        try:
            files = await self.open_store(composition)
        except StartupError as error:
            raise StoreAway(str(error), _MediaAway()) from error
        health = HeldHealthCheck(health_check_of(files))
        temporary_files = await composition.stack.enter_async_context(open_temporary_files())
        allowance = self.make_pixel_allowance(settings)
        publisher = await composition.stack.enter_async_context(
            open_publisher(
                settings,
                temporary_files,
                allowance,
                composition.metrics,
                is_service=composition.is_service,
            )
        )
        if composition.is_service:
            await temporary_files.warn_if_unusable()
        if composition.metrics is not None:
            from adapters.operations.metrics.features.media import (
                count_uploads,
                measure_media_files,
            )

            count_uploads(composition.metrics, _UPLOAD_ROUTE)
            files = measure_media_files(files, composition.metrics)
        ports = MediaPorts(
            files=files,
            image_publisher=publisher,
            temporary_files=temporary_files,
            upload_clock=time.monotonic,
            health=health,
            is_shared=not isinstance(settings.media, MediaFolder),
        )
        library = _open_library(composition, files)
        retry = RetryDeletions(library.repositories.items, files, clock)
        if settings.cleanup_interval:
            composition.tasks.append(retry_deletions(retry, composition.metrics))

        def make(core: "UseCases") -> Media:
            moderation = LibraryFeature(core, library)
            policy = settings.media_policy()
            return Media(moderation, MediaFeature(core, moderation, ports, policy, retry))

        return Opened(make, clean_up_library(library, ports, retry))


class _MediaAway(_Media):
    """The library without its store: the cleanup does what needs no file."""

    async def open_store(self, composition: "Composition") -> MediaFiles:
        del composition
        from adapters.media.files_away import FilesAway

        return FilesAway()


class _ImportedMedia(_Media):
    """The library for imports: no user uploads, so no owner waits for pixels."""

    def make_pixel_allowance(self, settings: Settings) -> PixelAllowance | None:
        del settings
        return None


MEDIA: Final = _Media()
IMPORTED_MEDIA: Final = _ImportedMedia()
