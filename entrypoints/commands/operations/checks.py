"""The checks of the parts of the core that the settings name, and those that features add."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from adapters.databases.records.copying import BATCH_SIZE
from adapters.databases.records.instances import InstanceRecord, check_issuers
from adapters.databases.records.kinds import INSTANCES
from adapters.databases.records.newest_key import check_newest_key
from adapters.databases.records.record_kind import EXPIRES_AT
from adapters.databases.records.record_store import RecordStore
from adapters.databases.records.undeclared_records import check_declared
from adapters.operations.system import SystemClock
from adapters.security.keys.keys import find_inactive_keys
from application.operations.compare_clocks import (
    HARMFUL_DIFFERENCE,
    ReadTime,
    describe_difference,
    measure_ahead,
)
from application.ports.errors import ConfigurationError, PortError
from application.ports.otp import Messenger
from application.webhook_urls import WebhookUrls
from entrypoints.commands.operations.key_states import describe_keys
from entrypoints.composition.features import FEATURES
from entrypoints.composition.limits import open_limit_store
from entrypoints.parts.connection_checks import check_own_adapter
from entrypoints.parts.database import adapter_of, check_database_extra, open_database
from entrypoints.parts.extras import check_extra
from entrypoints.parts.factories import status_callbacks_of
from entrypoints.parts.keys import find_key_fingerprint, load_encryption, load_keys
from entrypoints.parts.missing_data import (
    NOT_THERE_YET,
    are_keys_missing,
    check_secrets_file_not_lost,
    hint_at_unset,
)
from entrypoints.parts.providers import open_hook, open_messenger
from entrypoints.settings.providers import Provider, provider_name
from entrypoints.settings.rules import Check
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import StartupError, name_variable
from entrypoints.settings.values import (
    Environment,
    Factory,
    HttpHook,
    MongoLocation,
    PostgresLocation,
    SqliteLocation,
)

_POOLED: Final = (
    "behind a connection pooler such as PgBouncer: no statement is prepared, and each transaction "
    "has its own settings"
)


def connection_checks(settings: Settings) -> dict[str, Check]:
    """Return a check for each part that the settings name. Nothing stays, no message is sent."""
    checks: dict[str, Check] = {
        "keys": partial(check_keys, settings),
        "database": partial(_check_database, settings),
    }
    if not isinstance(settings.database, SqliteLocation):
        checks["clock"] = partial(_check_clock, settings)
    if settings.limit_store is not None:
        checks["limits"] = partial(_check_limit_store, settings.limit_store, settings)
    for feature in FEATURES:
        checks |= feature.trials(settings)
    for provider in settings.sms:
        checks[f"messages {provider_name(provider)}"] = partial(
            _check_messenger, provider, settings
        )
    if settings.metrics_bind is not None:
        checks["metrics"] = _check_metrics
    return checks


_NO_NEWEST_KEY: Final = (
    "its adapter does not keep the id of the newest encryption key, so an older secrets file is not"
    " noticed"
)


async def check_keys(settings: Settings) -> str:
    """Return the keys in words; raises ConfigurationError and StartupError for what `run` does."""
    clock, path = SystemClock(), settings.secrets_file
    if settings.env is not Environment.PRODUCTION and are_keys_missing(settings):
        check_secrets_file_not_lost(settings.database, path)
        return f"{path} is {NOT_THERE_YET}"
    keys, now = load_keys(settings, clock, is_service=True).current(), clock.now()
    lines = describe_keys(keys, settings, now)
    if problem := find_inactive_keys(keys, now):
        raise ConfigurationError("\n".join([problem, *lines]))
    return "\n".join(["", *lines])


async def _check_database(settings: Settings) -> str:
    with name_variable(settings.variable_of("DIALTONE_DATABASE")):
        if isinstance(settings.database, Factory):
            note, instances = await _inspect_own_database(settings)
        else:
            fingerprint = find_key_fingerprint(settings)
            note = await _inspect_database(settings, fingerprint)
            instances = await _list_instances(settings, settings.database, fingerprint)
    issuers = check_issuers(settings.token_issuers, instances, SystemClock().now())
    return "; ".join(filter(None, (note, issuers)))


async def _list_instances(
    settings: Settings,
    location: SqliteLocation | PostgresLocation | MongoLocation,
    fingerprint: str | None,
) -> Sequence[InstanceRecord]:
    """Return the instances of a database, and check that this program knows all its records.

    Raises:
        OtherKeys: The keys are older than the database.
    """
    adapter, place = adapter_of(location)
    async with adapter.open_existing(place, fingerprint) as existing:
        if existing is None:
            return []
        if fingerprint is not None:
            keys = load_keys(settings, SystemClock()).encryption_keys()
            check_newest_key(await existing.newest_key.read(), keys)
        return await _find_instances(existing.records)


async def _inspect_database(settings: Settings, fingerprint: str | None) -> str:
    match settings.database:
        case SqliteLocation(path=path):
            from adapters.databases.sqlite import inspect_file

            version = await asyncio.to_thread(inspect_file, path, fingerprint)
            return "" if version else f"{path} is {NOT_THERE_YET}{hint_at_unset(settings)}"
        case PostgresLocation(url=url):
            check_extra("postgres", "postgresql://")
            from adapters.databases import postgres

            found = await postgres.inspect_database(url, fingerprint)
            new = f"its schema is {NOT_THERE_YET}"
            pooled, is_new = found.is_pooled, not found.schema_version
            return "; ".join(filter(None, [_POOLED * pooled, new * is_new, found.silent]))
        case MongoLocation(url=url):
            check_extra("mongo", "mongodb://")
            from adapters.databases.mongo import inspect_database

            version = await inspect_database(url, fingerprint)
            return "" if version else f"it is {NOT_THERE_YET}"
        case Factory():
            return ""


async def _check_clock(settings: Settings) -> str:
    """Compare the clocks. The check of the database says why it cannot be read."""
    try:
        async with AsyncExitStack() as stack:
            read_time = await _open_time(settings, stack)
            if read_time is None:
                return "the database does not say its time"
            await read_time()  # connects, which takes longer
            ahead = await measure_ahead(read_time, SystemClock())
    except (ConfigurationError, PortError, StartupError):
        return "not compared with that of the database, which cannot be read"
    problem = describe_difference(ahead)
    if abs(ahead) > HARMFUL_DIFFERENCE:
        raise ConfigurationError(f"{problem}: synchronize the clocks, such as by chrony.")
    return problem


async def _open_time(settings: Settings, stack: AsyncExitStack) -> ReadTime | None:
    check_database_extra(settings)
    match settings.database:
        case PostgresLocation(url=url):
            from adapters.databases import postgres

            return await stack.enter_async_context(postgres.open_time(url))
        case MongoLocation(url=url):
            from adapters.databases import mongo

            return await stack.enter_async_context(mongo.open_time(url))
        case _:
            if (encryption := load_encryption(settings)) is None:
                raise StartupError("It was not opened, because it needs the keys.")
            database = await stack.enter_async_context(open_database(settings, encryption))
            return database.read_time


async def check_records(settings: Settings) -> list[str]:
    """Return the notes of features on the database, or a note that it cannot be read."""
    checks = [check for feature in FEATURES if (check := feature.records_check(settings))]
    if not checks:
        return []
    async with AsyncExitStack() as stack:
        try:
            records = await _open_existing_records(settings, stack)
            notes = [await check(records) for check in checks] if records else []
            return [*filter(None, notes)]
        except (ConfigurationError, PortError) as error:
            return [f"The records of the database were not checked: {error}"]


async def _open_existing_records(settings: Settings, stack: AsyncExitStack) -> RecordStore | None:
    encryption = load_encryption(settings)
    if not isinstance(settings.database, Factory):
        adapter, place = adapter_of(settings.database)
        fingerprint = encryption.key_fingerprint() if encryption else None
        async with adapter.open_existing(place, fingerprint) as existing:
            if existing is None:
                return None
    if encryption is None:
        raise ConfigurationError("there are no keys to open it with.")
    return (await stack.enter_async_context(open_database(settings, encryption))).records


async def _inspect_own_database(settings: Settings) -> tuple[str, Sequence[InstanceRecord]]:
    encryption = load_encryption(settings)
    if encryption is None:
        raise StartupError("It was not opened, because it needs the keys.")
    async with open_database(settings, encryption) as database:
        await database.health.check()
        note = _NO_NEWEST_KEY
        if database.newest_key is not None:
            keys = load_keys(settings, SystemClock()).encryption_keys()
            check_newest_key(await database.newest_key.read(), keys)
            note = ""
        return note, await _find_instances(database.records)


async def _find_instances(records: RecordStore) -> Sequence[InstanceRecord]:
    await check_declared(records)
    index = INSTANCES.find_index(EXPIRES_AT)
    latest = await records.find(INSTANCES, index, newest_first=True, limit=BATCH_SIZE)
    return [stored.record for stored in latest]


async def _check_limit_store(factory: Factory, settings: Settings) -> str:
    with name_variable("DIALTONE_LIMIT_STORE"):
        async with open_limit_store(factory, settings) as limit_store:
            return await check_own_adapter(limit_store)


async def _check_messenger(provider: Provider | Factory | HttpHook, settings: Settings) -> str:
    with name_variable(settings.variable_of("DIALTONE_SMS")):
        if isinstance(provider, HttpHook):
            async with open_hook(provider, settings.sms_hook_secret.value) as hook:
                return await hook.check_connection()
        async with open_messenger(provider, settings) as messenger:
            if isinstance(provider, Provider):
                return await provider.check_messenger(messenger)
            note = await check_own_adapter(messenger)
            return "; ".join(filter(None, (note, _note_on_statuses(messenger, settings))))


def _note_on_statuses(messenger: Messenger, settings: Settings) -> str:
    if not status_callbacks_of({"": messenger}):
        return ""
    if not settings.is_set("DIALTONE_PUBLIC_URL"):
        return "no status is reported, because DIALTONE_PUBLIC_URL is not set"
    return f"statuses are posted to {WebhookUrls(settings.public_url).sms_statuses()}"


async def _check_metrics() -> str:
    with name_variable("DIALTONE_METRICS_BIND"):
        check_extra("metrics", "this port")
    return ""
