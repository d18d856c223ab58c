"""What the library opens: the media store, and the processes that decode images."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from functools import partial
from http.client import HTTPException
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from adapters.databases.records.features.media import make_media_repositories
from application.features.media.limits import DECODING_TIMEOUT_SECONDS, PixelAllowance
from application.features.media.ports import ImagePublisher, MediaFiles, TemporaryFiles
from application.ports.errors import ConfigurationError, MediaStorageUnavailable
from application.ports.system import Clock
from domain.features.media.image import ImageLimits
from entrypoints.features.media.settings import MediaSettings
from entrypoints.features.media.stores import MediaFolder, S3Bucket
from entrypoints.parts.extras import check_extra
from entrypoints.parts.factories import open_adapter
from entrypoints.parts.missing_data import NOT_THERE_YET
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import StartupError, name_variable
from entrypoints.settings.values import Factory

if TYPE_CHECKING:
    from adapters.operations.metrics.metrics import Metrics
    from entrypoints.parts.composition import Composition


def open_files(
    settings: Settings, clock: Clock, *, is_service: bool = True
) -> AbstractAsyncContextManager[MediaFiles]:
    """Open the media store that the settings name, for the service or for a command."""
    media = settings.of(MediaSettings)
    match media.media:
        case MediaFolder(path=path):
            from adapters.media.disk import open_disk_files

            return open_disk_files(path, media.media_service_url, clock, is_service=is_service)
        case S3Bucket(bucket=bucket, prefix=prefix):
            check_extra("s3", "s3://")
            from adapters.media.s3 import open_s3_files

            return open_s3_files(
                bucket,
                prefix,
                endpoint=media.s3_endpoint,
                region=media.aws_region,
                access_key=media.aws_access_key_id,
                secret_key=media.aws_secret_access_key.value,
                session_token=media.aws_session_token.value,
                service_url=None if media.has_presigned_urls else media.media_service_url,
                cache_control=media.media_cache_control,
                clock=clock,
            )
        case Factory() as factory:
            return _open_own_files(factory, settings)


@asynccontextmanager
async def _open_own_files(factory: Factory, settings: Settings) -> AsyncIterator[MediaFiles]:
    from adapters.media.own_files import LimitedFiles

    environ = settings.variables.values
    async with open_adapter(factory, "DIALTONE_MEDIA", MediaFiles, environ=environ) as files:
        yield LimitedFiles(files)


def open_publisher(
    settings: Settings,
    temporary_files: TemporaryFiles,
    allowance: PixelAllowance | None,
    metrics: "Metrics | None",
    *,
    is_service: bool,
) -> AbstractAsyncContextManager[ImagePublisher]:
    """Open what decodes images, for all workers together in as many processes as processors.

    In a job an image waits as long as it takes.
    """
    from adapters.media.pillow import open_image_publisher
    from adapters.operations.system import count_processors

    media = settings.of(MediaSettings)
    limits = ImageLimits(
        max_pixels=media.max_image_pixels,
        max_total_pixels=max(media.max_image_pixels, ImageLimits().max_total_pixels),
    )
    open_one = partial(
        open_image_publisher,
        limits,
        temporary_files,
        processes=max(1, count_processors() // settings.workers),
        allowance=allowance,
        formats=frozenset(media.image_formats),
        decoding_timeout=DECODING_TIMEOUT_SECONDS if is_service else None,
    )
    if metrics is None:
        return open_one()
    from adapters.operations.metrics.features.media import declare_decode_duration

    return open_one(
        count_unstopped=metrics.background_failures.labels("decoder").inc,
        measure=declare_decode_duration(metrics).time,
    )


async def try_store(settings: MediaSettings) -> str:
    """Try the media store, and whether its public URL leads to the files."""
    from adapters.operations.system import SystemClock
    from entrypoints.parts.connection_checks import check_own_adapter

    folder = settings.media if isinstance(settings.media, MediaFolder) else None
    with name_variable("DIALTONE_MEDIA"):
        if folder is not None:
            from adapters.media.disk import is_prepared

            if not await is_prepared(folder.path):
                return f"{folder.path} is {NOT_THERE_YET}"
        async with open_files(settings, SystemClock()) as files:
            try:
                await check_own_adapter(files)
            except MediaStorageUnavailable as error:
                what = "disk" if folder is not None else "address and the network"
                raise ConfigurationError(
                    f"The media store does not work, {error}: check its {what}."
                ) from None
            if folder is None:
                await check_files(files, settings.media_public_url)
            # Without a URL, the check above has done it, beside the files of the library.
            elif settings.media_public_url is not None:
                with _leaving_no_folder(folder.path / FOLDER):
                    await check_files(files, settings.media_public_url)
    return ""


@contextmanager
def _leaving_no_folder(path: Path) -> Iterator[None]:
    """Delete the folder at the end of the block, if it was not there before and is empty."""
    was_there = path.exists()
    try:
        yield
    finally:
        if not was_there:
            with suppress(OSError):
                path.rmdir()


async def check_folder(composition: "Composition") -> None:
    """Check that the media folder exists if there are items, before a command opens it.

    To open it would create it, and an empty folder looks like one that works.

    Raises:
        StartupError
    """
    media = composition.settings.of(MediaSettings).media
    if composition.is_service or not isinstance(media, MediaFolder) or media.path.is_dir():
        return
    if await make_media_repositories(composition.database).items.list_by_id("", 1):
        raise StartupError(
            f"DIALTONE_MEDIA: {media.path} does not exist. Mount or restore it; the first start of "
            "the service creates it."
        )


_FILE_NOT_FOUND: Final = b'"error":"File not found","code":"not_found"'
"""Text in the service's response for a missing file of `/media`."""
_MAX_ERROR_BYTES: Final = 4096
FOLDER: Final = "00"
"""The service looks for a file in a folder only."""
_FETCH_TIMEOUT: Final = 8.0
_CONTENT: Final = b"check-settings"


async def check_files(files: MediaFiles, public_url: str | None = None) -> None:
    """Write a file, read it, also at the public URL of the media store, and delete it.

    Raises:
        ConfigurationError: one of these is not possible.
    """
    storage_key = f"{FOLDER}/check-settings-{secrets.token_hex(8)}"
    step = "written"
    try:
        await files.write(storage_key, BytesIO(_CONTENT), "text/plain")
        step = "read"
        async with files.open_file(storage_key) as file:
            content = b"" if file is None else b"".join([chunk async for chunk in file.chunks])
        try:
            if public_url is not None:
                await asyncio.to_thread(_check_public_url, f"{public_url}/{storage_key}")
        finally:
            step = "deleted"
            await files.delete(storage_key)
    except MediaStorageUnavailable as error:
        raise ConfigurationError(
            f"A file cannot be {step} ({error}): allow the service to write, read and delete files."
        ) from None
    if content != _CONTENT:
        raise ConfigurationError(
            "A file that was written is missing, or different when it is read."
        )


def _check_public_url(url: str) -> None:
    # Some CDNs reject the User-Agent of Python.
    request = Request(url, headers={"User-Agent": "dialtone"})  # noqa: S310 -- the setting is http
    try:
        with urlopen(request, timeout=_FETCH_TIMEOUT) as response:  # noqa: S310
            content = response.read(len(_CONTENT) + 1)
        problem = "" if content == _CONTENT else "the response is another file"
    except HTTPError as error:
        # A CDN may get the images from the service. That has only files of the library.
        is_service = _FILE_NOT_FOUND in error.read(_MAX_ERROR_BYTES)
        problem = "" if is_service else f"status {error.code}"
    except (OSError, HTTPException) as error:
        problem = f"no response: {type(getattr(error, 'reason', error)).__name__}"
    if problem:
        raise StartupError(
            f"DIALTONE_MEDIA_PUBLIC_URL: A file that was stored is not readable at {url} "
            f"({problem}): let the URL lead to the files of DIALTONE_MEDIA, and everybody read "
            "them."
        )
