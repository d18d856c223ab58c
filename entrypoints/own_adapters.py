"""Adapters of the operator's own, named by settings as `package.module:factory`."""

import inspect
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from application.ports.phone_seal import PhoneSeal
from application.ports.probe import Probe
from entrypoints.settings.kinds import Factory


class StartRefused(Exception):
    """The service cannot start; the text is one line for the operator, with the way out."""


class AlwaysThere:
    """Stands in for the probe of an adapter that has none."""

    async def check(self) -> None:
        """Return at once."""


def open_own(
    factory: Factory, variable: str, environ: Mapping[str, str], seal: PhoneSeal | None = None
) -> AbstractAsyncContextManager[Any]:
    """Call the factory with the environment; what it gives is opened by `async with`.

    It is found among what is installed, or in the current folder. A factory of records that
    takes a second argument gets the PhoneSeal, which keeps phones unreadable at rest.

    Raises:
        StartRefused: there is no such factory.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        make = resolve_name(factory.path)
    except (ImportError, AttributeError, ValueError) as error:
        raise StartRefused(
            f"{variable}: {factory.path} cannot be imported ({type(error).__name__}): "
            "install its package, or start in the folder that holds it."
        ) from error
    if seal is not None and _takes_two(make):
        opened: AbstractAsyncContextManager[Any] = make(environ, seal)
    else:
        opened = make(environ)
    return opened


def probe_of(adapter: Any) -> Probe:
    """Give the adapter itself when it can be asked whether it would work."""
    probe: Probe = adapter if hasattr(adapter, "check") else AlwaysThere()
    return probe


def _takes_two(factory: Any) -> bool:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(factory).parameters.values()
    return len([one for one in parameters if one.kind in kinds]) > 1
