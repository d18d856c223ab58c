"""An extension as a feature, beside our own."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from application.identities.extension_calls import log_failure
from application.ports.errors import ConfigurationError
from entrypoints.extensions.extension import Extension
from entrypoints.extensions.settings import make_settings_class
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

        def open(self, opening: "Opening") -> AbstractAsyncContextManager[None]:
            return _open(extension, opening)

    return _OfExtension()


def place_of(extension: Extension) -> str:
    """Return how an error for the operator begins."""
    return f"{VARIABLE}: the extension {extension.name}"


def _plugins_of(extension: Extension) -> "Sequence[ApiPlugin]":
    from entrypoints.http.extensions.plugin import make_extension_plugin

    try:
        parts = extension.http()
        return () if parts is None else (make_extension_plugin(extension.name, parts),)
    except ConfigurationError as error:
        raise StartupError(f"{place_of(extension)}: {error}") from error
    except Exception as error:
        log_failure(extension.name, "http", error)
        raise StartupError(
            f"{place_of(extension)} failed in http() ({type(error).__name__}): see the log."
        ) from error


@asynccontextmanager
async def _open(extension: Extension, opening: "Opening") -> AsyncIterator[None]:
    from entrypoints.extensions.opening import ExtensionOpening

    async with AsyncExitStack() as stack:
        try:
            own = ExtensionOpening(opening, extension.name, extension.kinds, extension.settings)
            await stack.enter_async_context(extension.open(own))
        except (ConfigurationError, StartupError) as error:
            raise StartupError(f"{place_of(extension)}: {error}") from error
        except Exception as error:
            log_failure(extension.name, "open", error)
            raise StartupError(
                f"{place_of(extension)} failed while it was opened ({type(error).__name__}): see "
                "the log."
            ) from error
        yield
