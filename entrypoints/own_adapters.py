"""Adapters of the operator's own, named by settings as `package.module:factory`."""

import inspect
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import structlog

from application.ports.errors import ConfigurationError
from application.ports.health_check import HealthCheck
from application.ports.phone_encryption import PhoneEncryption
from entrypoints.settings.kinds import Factory
from entrypoints.startup_error import StartupError

_log = structlog.get_logger()


class StartRefused(StartupError):
    """The service cannot start; the text is one line for the operator, with the way out."""


class AlwaysThere:
    """Stands in for the probe of an adapter that has none."""

    async def check(self) -> None:
        """Return at once."""


@asynccontextmanager
async def open_own(
    factory: Factory, variable: str, environ: Mapping[str, str], seal: PhoneEncryption | None = None
) -> AsyncIterator[Any]:
    """Call the factory with the environment, and open what it gives until the block ends.

    It is found among what is installed, or in the current folder. A factory of records that
    takes a second argument gets the PhoneEncryption, which keeps phones unreadable at rest.

    Raises:
        StartRefused: there is no such factory, or it opens nothing.
        ConfigurationError: it says so itself.
    """
    make = _found(factory, variable)
    arguments = (environ, seal) if seal is not None and _takes_two(make) else (environ,)
    async with AsyncExitStack() as stack:
        try:
            adapter = await stack.enter_async_context(make(*arguments))
        except ConfigurationError:
            raise
        except Exception as error:
            _log.error("own_adapter_failed", factory=factory.path, exc_info=error)
            raise StartRefused(
                f"{variable}: {factory.path} failed while it was opened "
                f"({type(error).__name__}): the log says where."
            ) from error
        if adapter is None:
            raise StartRefused(f"{variable}: {factory.path} opens nothing: yield the adapter.")
        yield adapter


def _found(factory: Factory, variable: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        return resolve_name(factory.path)
    except (ImportError, AttributeError, ValueError) as error:
        raise StartRefused(
            f"{variable}: {factory.path} cannot be imported ({type(error).__name__}): "
            "install its package, or start in the folder that holds it."
        ) from error


def probe_of(adapter: Any) -> HealthCheck:
    """Give the adapter itself when it can be asked whether it would work."""
    probe: HealthCheck = adapter if hasattr(adapter, "check") else AlwaysThere()
    return probe


def _takes_two(factory: Any) -> bool:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(factory).parameters.values()
    return len([one for one in parameters if one.kind in kinds]) > 1
