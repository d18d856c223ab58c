"""The check of the files of the media store, for `check-settings --connect`."""

import asyncio
import secrets
from http.client import HTTPException
from io import BytesIO
from typing import Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from application.features.media.ports import MediaFiles
from application.ports.errors import ConfigurationError, MediaStorageUnavailable
from entrypoints.opening.startup_error import StartupError

_FILE_NOT_FOUND: Final = b'"error":"File not found","code":"not_found"'
"""In the response of `/media` of the service."""
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
