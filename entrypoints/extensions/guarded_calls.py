"""Calls of the code of an extension: what it raises is one line that names the extension."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from application.ports.errors import ConfigurationError, PortError
from application.tasks import call_adapter, is_ended
from domain.errors import DomainError
from entrypoints.opening.startup_error import CommandError, StartupError

T = TypeVar("T")

CALL_TIMEOUT: Final = 15.0
"""Seconds for one call, as long as a write of SQLite has."""
OWN_ERRORS: Final = (PortError, DomainError, ConfigurationError, StartupError, CommandError)
_log = structlog.get_logger()


class ExtensionFailed(PortError):
    """An extension raised an error that is none of a port. The log has it."""


def fail(extension: str, part: str, error: BaseException) -> ExtensionFailed:
    """Log an error of an extension, and return the error in its place."""
    _log.error("extension_failed", extension=extension, part=part, exc_info=error)
    return ExtensionFailed(
        f"the extension {extension} failed", f"{part} raised {type(error).__name__}, see the log"
    )


async def call_extension(
    extension: str,
    part: str,
    call: Callable[[], Awaitable[T]],
    expected: tuple[type[Exception], ...] = (PortError,),
    seconds: float | None = CALL_TIMEOUT,
) -> T:
    """Await a call of an extension.

    Args:
        extension: Its name.
        part: What is called, for the log and the error.
        call: Makes the call.
        expected: The errors that it may raise.
        seconds: How long it may take; None without a limit.

    Raises:
        Exception: What is expected.
        ExtensionFailed: It raised anything else, or took too long.
    """
    try:
        return await call_adapter("extension", call, seconds)
    except expected:
        raise
    except Exception as error:
        raise fail(extension, part, error) from error
    except BaseException as error:
        # One that the extension has caused itself, such as a CancelledError or SystemExit.
        if is_ended():
            raise
        raise fail(extension, part, error) from error
