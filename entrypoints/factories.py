"""Operators' own adapters, named in settings as `package.module:factory`.

A factory returns an async context manager, usually by `@asynccontextmanager`. It gets keyword
arguments.
"""

import inspect
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Protocol, TypeVar

import structlog

from application.ports.errors import ConfigurationError
from application.ports.media_files import MediaFiles
from application.ports.messenger import Messenger
from application.ports.phone_encryption import PhoneEncryption
from application.ports.repositories import Repositories
from application.ports.system import HealthCheck
from entrypoints.settings.values import Factory
from entrypoints.startup_error import StartupError

T = TypeVar("T")

_log = structlog.get_logger()


class DatabaseFactory(Protocol):
    """What DIALTONE_DATABASE can name."""

    def __call__(
        self, *, environ: Mapping[str, str], phone_encryption: PhoneEncryption
    ) -> AbstractAsyncContextManager[Repositories]:
        """Open the database.

        Args:
            environ: The environment, and what `.env` adds to it.
            phone_encryption: Encrypts phone numbers at rest.

        Raises:
            ConfigurationError: with the problem and its fix, for the operator.
        """
        ...


class MediaFactory(Protocol):
    """What DIALTONE_MEDIA can name."""

    def __call__(self, *, environ: Mapping[str, str]) -> AbstractAsyncContextManager[MediaFiles]:
        """Open the media store; see `DatabaseFactory`."""
        ...


class MessengerFactory(Protocol):
    """What DIALTONE_SMS can name."""

    def __call__(self, *, environ: Mapping[str, str]) -> AbstractAsyncContextManager[Messenger]:
        """Open the messenger; see `DatabaseFactory`."""
        ...


class AlwaysHealthy:
    """The health check of an adapter that has none of its own."""

    async def check(self) -> None:
        """Return at once."""


def load_factory(factory: Factory, variable: str) -> Any:
    """Import a factory that is installed, or in a module of the current folder.

    Args:
        factory: Where it is.
        variable: The environment variable that names it, for error messages.

    Raises:
        StartupError: it cannot be imported, or is not a function.
    """
    current_folder = str(Path.cwd())
    if current_folder not in sys.path:
        sys.path.append(current_folder)
    try:
        create = resolve_name(factory.path)
    except (ImportError, AttributeError, ValueError) as error:
        raise StartupError(
            f"{variable}: {factory.path} cannot be imported ({type(error).__name__}): "
            "install its package, or start in the folder that contains it."
        ) from error
    if not callable(create):
        raise StartupError(f"{variable}: {factory.path} is not a function.")
    return create


@asynccontextmanager
async def open_adapter(
    create: Callable[[], AbstractAsyncContextManager[T]], factory: Factory, variable: str
) -> AsyncIterator[T]:
    """Keep an operator's own adapter open until the block ends.

    Args:
        create: The factory, with its keyword arguments bound by `functools.partial`.
        factory: Where it is, for error messages.
        variable: The environment variable that names it, for error messages.

    Raises:
        StartupError: the factory has another signature, or it fails.
        ConfigurationError: raised by the factory.
    """
    name = f"{variable}: {factory.path}"
    if not _can_be_called(create):
        raise StartupError(f"{name} must accept the keyword arguments in docs/adapters.md.")
    async with AsyncExitStack() as stack:
        try:
            adapter = await stack.enter_async_context(_context_manager(create(), name))
        except (ConfigurationError, StartupError):
            raise
        except Exception as error:
            _log.error("own_adapter_failed", factory=factory.path, exc_info=error)
            raise StartupError(
                f"{name} failed while it was opened ({type(error).__name__}): see the log."
            ) from error
        if adapter is None:
            raise StartupError(f"{name} yields None: yield the adapter.")
        yield adapter


def health_check_of(adapter: Any) -> HealthCheck:
    """Return the adapter itself if it has a health check."""
    health_check: HealthCheck = adapter if hasattr(adapter, "check") else AlwaysHealthy()
    return health_check


def _context_manager(
    created: AbstractAsyncContextManager[T], name: str
) -> AbstractAsyncContextManager[T]:
    if not isinstance(created, AbstractAsyncContextManager):
        raise StartupError(f"{name} must be decorated with @asynccontextmanager.")
    return created


def _can_be_called(create: Callable[[], object]) -> bool:
    try:
        inspect.signature(create).bind()
    except (TypeError, ValueError):
        return False
    return True
