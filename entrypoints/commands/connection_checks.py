"""Checks of the parts that the settings name, all at the same time."""

import asyncio
import multiprocessing
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from io import BytesIO
from multiprocessing.pool import AsyncResult
from typing import Any, Final, TypeAlias
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from application.ports.errors import ConfigurationError, MediaStorageUnavailable, PortError
from application.ports.media import MediaFiles
from entrypoints.opening.startup_error import StartupError

CHECK_TIMEOUT: Final = 15.0
"""Seconds for all checks, because they run at the same time."""
_FILE_NOT_FOUND: Final = b'"error":"File not found","code":"not_found"'
"""In the response of `/media` of the service."""
_MAX_ERROR_BYTES: Final = 4096
_FETCH_TIMEOUT: Final = 8.0
_CONTENT: Final = b"check-settings"

Check: TypeAlias = Callable[[], Coroutine[Any, Any, str]]
"""Return a note or an empty text. Raise an error for the operator if the part does not work."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Whether a part works, and one line for the operator."""

    is_ok: bool
    text: str


def run_checks(
    checks: Mapping[str, Check],
    set_up_process: Callable[[], None],
    timeout_seconds: float = CHECK_TIMEOUT,
) -> dict[str, CheckResult]:
    """Run all checks at the same time; return the results by name.

    Each has a process of its own. An adapter that blocks delays no other check, and is ended.
    """
    deadline = time.monotonic() + timeout_seconds
    with multiprocessing.get_context("fork").Pool(len(checks), set_up_process) as pool:
        running = {name: pool.apply_async(_run, [check]) for name, check in checks.items()}
        return {name: _wait(result, deadline) for name, result in running.items()}


async def check_media_files(files: MediaFiles, public_url: str | None = None) -> None:
    """Write a file, read it, also at the public URL of the media store, and delete it.

    Raises:
        ConfigurationError: one of these is not possible.
        StartupError: the file is not at the public URL.
    """
    storage_key = f"00/check-settings-{secrets.token_hex(8)}"
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


def _run(check: Check) -> CheckResult:
    try:
        note = asyncio.run(check())
    except (ConfigurationError, StartupError, PortError) as error:
        return CheckResult(is_ok=False, text=str(error))
    except Exception as error:  # noqa: BLE001 - its text may contain anything
        return CheckResult(is_ok=False, text=f"The check failed with {type(error).__name__}.")
    return CheckResult(is_ok=True, text=f"ok ({note})" if note else "ok")


def _wait(result: AsyncResult[CheckResult], deadline: float) -> CheckResult:
    try:
        return result.get(max(0.0, deadline - time.monotonic()))
    except multiprocessing.TimeoutError:
        text = "There was no result in time: check the address and the network."
        return CheckResult(is_ok=False, text=text)
