"""The keys, and the encryption of phones."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import structlog

from adapters.records.phone_encryption import PhoneEncryption
from application.ports.errors import ConfigurationError, KeySourceUnavailable
from application.ports.keys import KEY_LOAD_TIMEOUT, Key, KeyPurpose, KeySource
from application.ports.system import Clock
from entrypoints.opening.factories import open_adapter
from entrypoints.opening.lost_data import check_secrets_file_not_lost
from entrypoints.opening.startup_error import StartupError
from entrypoints.server.background_task import log_task_failure, repeat
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Environment, Factory

if TYPE_CHECKING:
    from adapters.keys.keys import SecretKeys
    from adapters.keys.source import SourceKeys
    from adapters.metrics.metrics import Metrics

_log = structlog.get_logger()

AUDIENCE: Final = "dialtone"
"""The audience of access tokens; their issuer distinguishes deployments."""


class KeysUnavailable(StartupError):
    """The keys cannot be used now. Whoever waits may find them repaired."""


@asynccontextmanager
async def open_keys(
    settings: Settings,
    clock: Clock,
    metrics: "Metrics | None" = None,
    *,
    is_service: bool = False,
) -> AsyncIterator["SecretKeys"]:
    """Load the keys. Those that can change are loaded again until the block ends.

    Args:
        settings: Say where the keys are.
        clock: Says which keys are active.
        metrics: Count the failures of a key source.
        is_service: Create missing keys in development, and check all in production. A job of root
            uses the file of the service's user.

    Raises:
        KeysUnavailable: they cannot be used.
    """
    from adapters.keys.keys import RELOAD_INTERVAL, ReloadingKeys, SecretKeys, parse_secrets

    is_strict = is_service and settings.env is Environment.PRODUCTION
    if isinstance(settings.secrets, Factory):
        opened = open_source_keys(settings.secrets, settings, clock, is_strict=is_strict)
        async with (
            opened as keys,
            repeat(
                "keys",
                keys.reload,
                failed_event="secrets_reload_failed",
                pause=RELOAD_INTERVAL,
                metrics=metrics,
                log_failure=_log_bug,
            ),
        ):
            yield keys
        return
    create_missing = is_service and not is_strict
    if text := settings.secrets.value:
        with _name_variable("DIALTONE_SECRETS"):
            static = SecretKeys(parse_secrets(text, is_strict=is_strict).keys, clock)
        yield static
        return
    with _name_variable("DIALTONE_SECRETS_FILE"):
        if create_missing:
            check_secrets_file_not_lost(settings.database, settings.secrets_file)
        of_file = ReloadingKeys(
            settings.secrets_file, clock, create_missing=create_missing, is_strict=is_strict
        )
    yield of_file


@asynccontextmanager
async def open_source_keys(
    factory: Factory,
    settings: Settings,
    clock: Clock,
    *,
    max_index_keys: int = 1,
    is_strict: bool = False,
) -> AsyncIterator["SourceKeys"]:
    """Open a key source and load its keys once; it is closed at the end of the block.

    Raises:
        KeysUnavailable: it cannot be opened, or its keys cannot be used.
    """
    from adapters.keys.source import SourceKeys, load_source

    environ, variable = settings.variables.values, "DIALTONE_SECRETS"
    stack = AsyncExitStack()
    try:
        with _name_variable(variable):
            try:
                async with asyncio.timeout(KEY_LOAD_TIMEOUT):
                    source = await stack.enter_async_context(
                        open_adapter(factory, variable, KeySource, environ=environ)
                    )
            except TimeoutError:
                raise ConfigurationError(
                    f"{factory.path} was not opened within {KEY_LOAD_TIMEOUT:g} seconds."
                ) from None
            try:
                keys = await load_source(source, max_index_keys=max_index_keys, is_strict=is_strict)
            except KeySourceUnavailable as error:
                text = f"There are no keys of {factory.path}, because {error}."
                raise ConfigurationError(f"{text} See docs/key_sources.md.") from None
        yield SourceKeys(source, keys, clock, is_strict=is_strict)
    finally:
        await _close(stack, factory)


async def _close(source: AsyncExitStack, factory: Factory) -> None:
    """Close a key source. What goes wrong is no reason to stop: its keys are in memory."""
    try:
        async with asyncio.timeout(KEY_LOAD_TIMEOUT):
            await source.aclose()
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- of anybody's code
        _log.error("own_adapter_failed", factory=factory.path, exc_info=error)


async def load_keys(settings: Settings, clock: Clock, *, is_service: bool = False) -> "SecretKeys":
    """Load the keys for a command; those of a key source do not change afterwards.

    Args and errors are those of `open_keys`.
    """
    async with open_keys(settings, clock, is_service=is_service) as keys:
        return keys


def make_phone_encryption(keys: "SecretKeys", index_key: Key | None = None) -> PhoneEncryption:
    """Return the encryption of phones, by default with the only index key."""
    from adapters.encryption import AesPhoneEncryption
    from adapters.system import SystemRandomness

    key = index_key or keys.current()[KeyPurpose.PHONE_INDEX][0]
    return AesPhoneEncryption(
        key.key, keys.key_set(KeyPurpose.PHONE_ENCRYPTION), SystemRandomness()
    )


async def find_key_fingerprint(settings: Settings) -> str | None:
    """Return the fingerprint of the keys; None without usable keys."""
    encryption = await load_encryption(settings)
    return encryption.key_fingerprint() if encryption else None


async def load_encryption(settings: Settings) -> PhoneEncryption | None:
    """Return the encryption of phones; None without usable keys."""
    from adapters.system import SystemClock

    try:
        return make_phone_encryption(await load_keys(settings, SystemClock()))
    except StartupError:
        return None


def describe_place(settings: Settings) -> str:
    """Return where the keys are, in words."""
    if isinstance(settings.secrets, Factory):
        return f"the keys of {settings.secrets.path}"
    if settings.secrets.value:
        return "the value of DIALTONE_SECRETS"
    return f"the secrets file {settings.secrets_file.absolute()}"


@contextmanager
def _name_variable(variable: str) -> Iterator[None]:
    try:
        yield
    except ConfigurationError as error:
        raise KeysUnavailable(f"{variable}: {error}") from error
    except StartupError as error:
        raise KeysUnavailable(str(error)) from error


def _log_bug(event: str, error: Exception) -> None:
    # The keys have logged why they could not be loaded.
    if not isinstance(error, KeySourceUnavailable):
        log_task_failure(event, error)
