"""An extension as a feature, beside our own."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from typing import TYPE_CHECKING

from application.identities.extension_calls import log_failure
from application.ports.errors import ConfigurationError
from application.ports.tracing import Tracer
from entrypoints.extensions.extension import Extension
from entrypoints.extensions.settings import make_settings_class, own_settings
from entrypoints.features.feature import Feature
from entrypoints.opening.extensions import VARIABLE
from entrypoints.opening.startup_error import StartupError

if TYPE_CHECKING:
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.opening.opening import Opening
    from entrypoints.settings.settings import Settings


def make_feature(extension: Extension) -> Feature:
    """Return the feature of an extension."""

    class _OfExtension(Feature):
        name = f"x_{extension.name}"
        folders = ()
        settings = make_settings_class(extension.name, extension.settings)
        data = extension.data
        has_cleanup = True
        adds_to_export = True
        left_by_deletion = (
            f"What the extension {extension.name} has of the user waits for the cleanup of the "
            "service."
        )

        def plugins(
            self, settings: "Settings", installed: "Sequence[Feature]"
        ) -> "Sequence[ApiPlugin]":
            del settings, installed
            return _plugins_of(extension)

        def notes_on_settings(self, settings: "Settings") -> Iterable[str]:
            del settings
            _plugins_of(extension)  # so that `check-settings` finds what a start would
            return ()

        def open_tracer(self, settings: "Settings") -> "AbstractAsyncContextManager[Tracer] | None":
            own = extension.settings and own_settings(extension.name, extension.settings, settings)
            with _place_errors(extension, "tracer"):
                opening = extension.tracer(own)
            return None if opening is None else _open_tracer(extension, opening)

        def open(self, opening: "Opening") -> AbstractAsyncContextManager[None]:
            return _open(extension, opening)

    return _OfExtension()


def place_of(extension: Extension) -> str:
    """Return how an error for the operator begins."""
    return f"{VARIABLE}: the extension {extension.name}"


def _plugins_of(extension: Extension) -> "Sequence[ApiPlugin]":
    from entrypoints.http.extensions.plugin import make_extension_plugin

    with _place_errors(extension, "http"):
        parts = extension.http()
        return () if parts is None else (make_extension_plugin(extension.name, parts),)


@contextmanager
def _place_errors(extension: Extension, part: str) -> Iterator[None]:
    """Make a `StartupError` of each error, which names the extension."""
    try:
        yield
    except (ConfigurationError, StartupError) as error:
        raise StartupError(f"{place_of(extension)}: {error}") from error
    except Exception as error:
        log_failure(extension.name, part, error)
        raise StartupError(
            f"{place_of(extension)} failed in {part}() ({type(error).__name__}): see the log."
        ) from error


@asynccontextmanager
async def _open_tracer(
    extension: Extension, opening: AbstractAsyncContextManager[Tracer]
) -> AsyncIterator[Tracer]:
    async with AsyncExitStack() as stack:
        with _place_errors(extension, "tracer"):
            tracer = await stack.enter_async_context(opening)
        yield tracer


@asynccontextmanager
async def _open(extension: Extension, opening: "Opening") -> AsyncIterator[None]:
    from entrypoints.extensions.opening import ExtensionOpening

    async with AsyncExitStack() as stack:
        with _place_errors(extension, "open"):
            own = ExtensionOpening(opening, extension.name, extension.kinds, extension.settings)
            await stack.enter_async_context(extension.open(own))
        yield
