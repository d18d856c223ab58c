"""The checks of the parts that the settings name.

An adapter's package is imported only if the settings name it.
"""

import asyncio
from functools import partial
from pathlib import Path
from typing import Final

from adapters.journal.file_journal import FileJournal
from application.ports.errors import ConfigurationError, MediaStorageUnavailable, PortError
from application.webhook_urls import WebhookUrls
from entrypoints.bootstrap import (
    find_key_fingerprint,
    load_encryption,
    load_keys,
    name_variable,
    open_database,
    open_destination,
    open_files,
    open_journal,
    open_limit_store,
    open_messenger,
    open_own_attestation,
    open_siteverify,
    open_voice,
)
from entrypoints.commands.connection_checks import Check, check_media_files
from entrypoints.opening.extras import check_extra
from entrypoints.opening.factories import health_check_of
from entrypoints.opening.lost_data import check_secrets_file_not_lost
from entrypoints.opening.providers import PhoneProvider, Provider, open_hook, provider_name
from entrypoints.opening.startup_error import StartupError
from entrypoints.settings.events import Destination, destination_label
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import (
    AttestationType,
    Environment,
    Factory,
    HttpHook,
    MediaFolder,
    MongoDatabase,
    PostgresDatabase,
    SqliteDatabase,
)

_POOLED: Final = (
    "behind a connection pooler such as PgBouncer: no statement is prepared, and each transaction "
    "has its own settings"
)


def connection_checks(settings: Settings) -> dict[str, Check]:
    """Return a check for each part that the settings name.

    Nothing is created that stays, and no message is sent. A check raises StartupError,
    ConfigurationError or PortError.
    """
    checks: dict[str, Check] = {
        "keys": partial(_check_keys, settings),
        "database": partial(_check_database, settings),
    }
    if settings.limit_store is not None:
        checks["limits"] = partial(_check_limit_store, settings.limit_store, settings)
    checks["media"] = partial(_check_media, settings)
    for provider in settings.sms:
        checks[f"messages {provider_name(provider)}"] = partial(
            _check_messenger, provider, settings
        )
    if settings.has_phone_line:
        checks["phone line"] = partial(_check_phone_line, settings)
    if settings.attestation is not None:
        checks["attestation"] = partial(_check_attestation, settings)
    for destination in settings.events:
        checks[f"events {destination_label(destination)}"] = partial(
            _check_destination, destination, settings
        )
    if settings.journal is not None:
        checks["journal"] = partial(_check_journal, settings.journal, settings)
    if settings.metrics_bind is not None:
        checks["metrics"] = _check_metrics
    return checks


async def _check_keys(settings: Settings) -> str:
    from adapters.key_file.keys import find_inactive_keys
    from adapters.system import SystemClock

    clock, path = SystemClock(), settings.secrets_file
    if _are_keys_missing(settings):
        check_secrets_file_not_lost(settings.database, path)
        return f"{path} does not exist yet: the first start creates it"
    keys = load_keys(settings, clock, is_service=True).current()
    if problem := find_inactive_keys(keys, clock.now()):
        raise ConfigurationError(problem)
    return ""


def _are_keys_missing(settings: Settings) -> bool:
    """Return whether the first start in development will create the keys."""
    if settings.env is Environment.PRODUCTION or settings.secrets.value:
        return False
    try:
        settings.secrets_file.lstat()
    except OSError as error:
        return isinstance(error, FileNotFoundError)  # reading the file reports other reasons
    return False


async def _check_database(settings: Settings) -> str:
    with name_variable(settings.variable_of("DIALTONE_DATABASE")):
        match settings.database:
            case SqliteDatabase(path=path):
                from adapters.sqlite import inspect_file

                version = await asyncio.to_thread(
                    inspect_file, path, find_key_fingerprint(settings)
                )
                return "" if version else f"{path} does not exist yet: the first start creates it"
            case PostgresDatabase(url=url):
                check_extra("postgres", "postgresql://")
                from adapters import postgres

                found = await postgres.inspect_database(url, find_key_fingerprint(settings))
                new = "it is new: the first start creates tables and indexes"
                return "; ".join([_POOLED] * found.is_pooled + [new] * (not found.schema_version))
            case MongoDatabase(url=url):
                check_extra("mongo", "mongodb://")
                from adapters.mongo import inspect_database

                version = await inspect_database(url, find_key_fingerprint(settings))
                return (
                    "" if version else "it is new: the first start creates collections and indexes"
                )
            case Factory():
                encryption = load_encryption(settings)
                if encryption is None:
                    raise StartupError("It was not opened, because it needs the keys.")
                async with open_database(settings, encryption) as database:
                    await database.health.check()
                return ""


async def _check_limit_store(factory: Factory, settings: Settings) -> str:
    with name_variable("DIALTONE_LIMIT_STORE"):
        async with open_limit_store(factory, settings) as limit_store:
            return await _check_own_adapter(limit_store)


async def _check_media(settings: Settings) -> str:
    from adapters.system import SystemClock

    with name_variable("DIALTONE_MEDIA"):
        if isinstance(settings.media, MediaFolder):
            from adapters.disk import is_prepared

            if not await is_prepared(settings.media.path):
                return f"{settings.media.path} does not exist yet: the first start creates it"
        async with open_files(settings, SystemClock()) as files:
            try:
                await health_check_of(files).check()
            except MediaStorageUnavailable as error:
                raise ConfigurationError(
                    f"The media store does not work, {error}: check its address and the network."
                ) from None
            await check_media_files(files, settings.media_public_url)
    return ""


async def _check_messenger(provider: Provider | Factory | HttpHook, settings: Settings) -> str:
    with name_variable(settings.variable_of("DIALTONE_SMS")):
        if isinstance(provider, HttpHook):
            async with open_hook(provider, settings.sms_hook_secret.value) as hook:
                return await hook.check_connection()
        async with open_messenger(provider, settings) as messenger:
            if isinstance(provider, Provider):
                return await provider.check_messenger(messenger)
            return await _check_own_adapter(messenger)


async def _check_destination(destination: Destination, settings: Settings) -> str:
    with name_variable(settings.variable_of("DIALTONE_EVENTS")):
        async with open_destination(destination, settings) as opened:
            if isinstance(destination, Factory):
                return await _check_own_adapter(opened)
            return "the URL and the secret are valid; no request was sent"


async def _check_journal(journal: Path | HttpHook, settings: Settings) -> str:
    with name_variable(settings.variable_of("DIALTONE_JOURNAL")):
        async with open_journal(journal, settings) as opened:
            if isinstance(opened, FileJournal):
                await opened.check()
                return ""
            return "the URL and the secret are valid; no request was sent"


async def _check_attestation(settings: Settings) -> str:
    with name_variable("DIALTONE_ATTESTATION"):
        match settings.attestation:
            case AttestationType.SITEVERIFY:
                async with open_siteverify(settings) as siteverify:
                    try:
                        await siteverify.check()
                    except PortError as error:
                        raise ConfigurationError(
                            f"No proof can be checked, {error}: check DIALTONE_ATTESTATION_URL, "
                            "DIALTONE_ATTESTATION_SECRET and the network."
                        ) from None
                    return "the provider accepts the secret"
            case Factory() as factory:
                async with open_own_attestation(factory, settings) as own:
                    return await _check_own_adapter(own)
            case _:
                return "it asks no provider"


async def _check_metrics() -> str:
    with name_variable("DIALTONE_METRICS_BIND"):
        check_extra("metrics", "this port")
    return ""


async def _check_own_adapter(adapter: object) -> str:
    await health_check_of(adapter).check()
    return "" if hasattr(adapter, "check") else "it was opened; it has no health check"


async def _check_phone_line(settings: Settings) -> str:
    with name_variable("DIALTONE_VOICE"):
        async with open_voice(settings) as voice:
            if voice is None:
                return ""
            if isinstance(settings.voice, PhoneProvider):
                return await settings.voice.check_voice(
                    voice.calls, WebhookUrls(settings.public_url)
                )
            return await _check_own_adapter(voice.calls)
