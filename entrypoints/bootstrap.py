"""From settings to use cases: the only module that knows every adapter.

An adapter's package is imported only if the settings name it.
"""

import asyncio
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Container,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from dataclasses import replace
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog

from adapters.journal.file_journal import FileJournal
from adapters.logging import LogSecurityEvents
from adapters.records.database import Database
from adapters.records.guarded_database import guard_database
from adapters.records.guarded_records import GuardedRecords
from adapters.records.outages import OutageRetries
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.repositories import make_repositories
from adapters.records.separate_limits import SeparateLimits
from adapters.records.undeclared_records import check_declared
from application.costs.feature import CostsPolicy
from application.events.feature import EventsPorts
from application.identities.feature import IdentitiesPorts
from application.journal.write_acts import WriteActs
from application.media.feature import MediaPorts
from application.media.limits import PixelAllowance
from application.operations.feature import OperationsPorts
from application.otp.feature import OtpPorts
from application.otp.provider_pause import ProviderPause
from application.ports.attestation import Attestation
from application.ports.errors import (
    ConfigurationError,
    MediaStorageUnavailable,
    MessengerUnavailable,
    PortError,
)
from application.ports.events import EventDestination
from application.ports.journal import Journal
from application.ports.keys import Key
from application.ports.limits import LimitStore
from application.ports.media import ImagePublisher, MediaFiles
from application.ports.otp import Messenger, RecentMessages, SmsTemplates
from application.ports.system import Clock, HealthCheck, SecurityEvents, SystemPorts
from application.ports.voice import Recordings, VoicePorts, VoiceProvider
from application.statistics.count_events import CountEventsByHour
from application.use_cases import Policy, Ports, UseCases
from domain.media.image import ImageLimits
from domain.statistics.hourly_counts import HourlySums
from entrypoints.features.attestation import AttestationSettings, AttestationType
from entrypoints.features.events import Destination, EventSettings, stored_name
from entrypoints.features.journal import JournalSettings
from entrypoints.features.media import MediaSettings
from entrypoints.features.start import keeps_messages
from entrypoints.features.statistics import StatisticsSettings, load_prices
from entrypoints.features.voice import VoiceSettings, load_call_flow
from entrypoints.opening.extras import check_extra
from entrypoints.opening.factories import (
    health_check_of,
    open_adapter,
    status_callbacks_of,
)
from entrypoints.opening.lost_data import check_secrets_file_not_lost
from entrypoints.opening.operator_files import load_sms_templates
from entrypoints.opening.phone_providers import PHONE_PROVIDERS, PhoneProvider
from entrypoints.opening.providers import (
    FREE_PROVIDERS,
    Provider,
    open_hook,
    provider_name,
)
from entrypoints.opening.recordings import RecordingsOnDemand
from entrypoints.opening.startup_error import StartupError
from entrypoints.settings.media_stores import MediaFolder, S3Bucket
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import (
    Environment,
    Factory,
    HttpHook,
    MongoDatabase,
    PostgresDatabase,
    SqliteDatabase,
)
from entrypoints.version.commit import find_commit
from entrypoints.version.distribution import installed_version

if TYPE_CHECKING:
    from adapters.attestation.siteverify import SiteverifyAttestation
    from adapters.failover import FailoverMessenger
    from adapters.key_file.keys import SecretKeys
    from adapters.metrics.exposition import Exposition
    from adapters.metrics.metrics import Metrics

ISSUER: Final = "dialtone"
"""Issuer and audience of access tokens; the signing keys distinguish deployments."""
_LAST_WRITE_TIMEOUT: Final = 5.0
_PROCESS_ID_BYTES: Final = 8

_log = structlog.get_logger()


class Part(Enum):
    """What a command may not need. Keys and the database are always opened."""

    MEDIA = auto()
    IMAGES = auto()
    """The processes that decode images."""
    CALLS = auto()
    """The call provider."""
    MESSAGES = auto()
    """The message providers, and the texts of messages and calls."""
    LIMITS = auto()
    """The limit store that `DIALTONE_LIMIT_STORE` names. That of the database is always there."""
    EVENTS = auto()
    """The destinations of events. Without it, events are recorded, and not sent."""
    JOURNAL = auto()
    """The check that the journal can be written. Acts are written to it in any case."""


_NOT_OPENED: Final[Any] = object()
"""In the place of a part that is not needed: each use of it is an error."""


class _UnopenedTemplates:
    """In the place of templates that are not opened: a message waits for the service's cleanup."""

    def render(self, *_: object, **__: object) -> str:
        """Raise MessengerUnavailable."""
        raise MessengerUnavailable("This command has not opened the message providers.")

    render_notice = render


class _UnopenedFiles:
    """In the place of a media store that is not opened: files stay until a cleanup deletes them."""

    async def delete(self, storage_key: str) -> None:  # noqa: ARG002 -- the port's parameter
        """Raise MediaStorageUnavailable, so that the deletion is recorded as refused."""
        raise MediaStorageUnavailable("This command has not opened the media store.")


@asynccontextmanager
async def open_use_cases(
    settings: Settings,
    clock: Clock | None = None,
    parts: Container[Part] = frozenset(Part),
    metrics: "Metrics | None" = None,
    database: Database | None = None,
    retry: OutageRetries | None = None,
    *,
    is_service: bool = False,
) -> AsyncIterator[UseCases]:
    """Open the adapters that the settings name, until the block ends.

    Creates what is missing: keys (in development), the database and its schema, the media folder.

    Args:
        settings: Names the adapters.
        clock: Replaces the system's clock.
        parts: What to open, by default everything. Use cases that need more must not be called.
        metrics: Measure the adapters, if there are metrics.
        database: Replaces that of the settings.
        retry: Repeats the calls of a job to the database, if it is shared.
        is_service: Refuse a database that has records of features which are not installed.

    Raises:
        StartupError: an adapter cannot be opened.
    """
    from adapters.key_file.document import KeyPurpose
    from adapters.system import FreeSpaceCheck, HeldHealthCheck, SystemClock, SystemRandomness

    clock = clock or SystemClock()
    _check_extras(settings, parts)
    async with AsyncExitStack() as stack:
        templates: SmsTemplates = _UnopenedTemplates()
        if Part.MESSAGES in parts:
            templates = load_sms_templates(settings)
        prices = load_prices(settings.of(StatisticsSettings)) if Part.MESSAGES in parts else None
        voice_policy = None
        if settings.has_phone_line and Part.MESSAGES in parts and Part.CALLS in parts:
            voice_settings = settings.of(VoiceSettings)
            voice_policy = voice_settings.voice_policy(load_call_flow(voice_settings))
        keys = load_keys(settings, clock, is_service=True)
        phone_encryption = make_phone_encryption(keys)
        events: SecurityEvents = LogSecurityEvents(
            lambda phone: phone_encryption.hash_phone_of_day(phone, clock.now().date())
        )
        limit_store_health: HealthCheck | None = None
        if database is None:
            opening = _open_database_and_limits(
                settings, parts, phone_encryption, metrics, is_service=is_service
            )
            opened = await stack.enter_async_context(opening)
            database, limit_store_health = opened
        if retry is not None and not isinstance(settings.database, SqliteDatabase):
            database = replace(database, records=GuardedRecords(database.records, retry))
        media = await stack.enter_async_context(
            _open_media(settings, parts, clock, phone_encryption)
        )
        media_health = HeldHealthCheck(health_check_of(media.files))
        randomness = SystemRandomness()
        hourly_sums = HourlySums(randomness.bytes(_PROCESS_ID_BYTES).hex())
        events = CountEventsByHour(hourly_sums, clock, events)
        cost_meter = None
        if metrics is not None:
            from adapters.metrics.counts import CountedCosts
            from adapters.metrics.security_events import CountSecurityEvents

            events, media = CountSecurityEvents(metrics, events), _measure_media(media, metrics)
            cost_meter = CountedCosts(metrics)
        messengers = await stack.enter_async_context(_open_messengers(settings, parts))
        voice = None
        if Part.CALLS in parts:
            with name_variable("DIALTONE_VOICE"):
                voice = await stack.enter_async_context(open_voice(settings))
        destinations = await stack.enter_async_context(_open_destinations(settings, parts))
        write_acts = await stack.enter_async_context(
            _open_journal(settings, parts, keys, phone_encryption, clock, metrics)
        )
        attestation = await stack.enter_async_context(_open_attestation(settings, keys, parts))
        status_callbacks = status_callbacks_of(messengers)
        messenger = _fail_over(messengers, events, clock)
        use_cases = UseCases(
            Ports(
                system=SystemPorts(clock=clock, randomness=randomness, events=events),
                repositories=make_repositories(
                    database,
                    phone_encryption,
                    keeps_events=bool(settings.of(EventSettings).events),
                    observer=write_acts,
                ),
                identities=_make_identities_ports(keys),
                media=media,
                otp=OtpPorts(
                    messenger=messenger,
                    sms_templates=templates,
                    peppers=keys.key_set(KeyPurpose.OTP_PEPPER),
                    keyed_hashes=phone_encryption,
                    call_provider=voice.calls if voice else None,
                    attestation=attestation,
                    recent_messages=_keep_messages(settings),
                    status_callbacks=status_callbacks,
                ),
                operations=OperationsPorts(
                    media_files=media.files,
                    media_health=media_health,
                    messenger_health=HeldHealthCheck(messenger),
                    limit_store_health=limit_store_health,
                    calls_health=_find_health(voice.calls if voice else None),
                    disk_health=HeldHealthCheck(FreeSpaceCheck(_folders_of(settings))),
                    attestation_health=_find_health(attestation),
                    is_database_shared=not isinstance(settings.database, SqliteDatabase),
                    is_media_shared=not isinstance(settings.of(MediaSettings).media, MediaFolder),
                    recordings=find_recordings(settings, voice),
                    program_version=installed_version(),
                ),
                hourly_sums=hourly_sums,
                events=EventsPorts(destinations=destinations),
                voice=voice,
                cost_meter=cost_meter,
                write_acts=write_acts,
            ),
            Policy(
                identities=settings.identities_policy(),
                media=settings.of(MediaSettings).media_policy(),
                otp=settings.otp_policy(are_messages_reported=bool(status_callbacks)),
                operations=settings.operations_policy(),
                costs=CostsPolicy(prices=prices, free_providers=FREE_PROVIDERS),
                events=settings.of(EventSettings).events_policy(),
                voice=voice_policy,
            ),
        )
        # Before the database is closed.
        stack.push_async_callback(_write_last, use_cases.costs.write, "costs_not_written")
        stack.push_async_callback(_write_last, use_cases.statistics.write, "statistics_not_written")
        yield use_cases


def _check_extras(settings: Settings, parts: Container[Part]) -> None:
    """Check the libraries of all adapters that will be opened, before one creates something."""
    named: list[tuple[str, object]] = [("DIALTONE_DATABASE", settings.database)]
    if Part.MEDIA in parts:
        named.append(("DIALTONE_MEDIA", settings.of(MediaSettings).media))
    if Part.MESSAGES in parts:
        named += [("DIALTONE_SMS", provider) for provider in settings.sms]
    if Part.CALLS in parts:
        named.append(("DIALTONE_VOICE", settings.of(VoiceSettings).voice))
    for variable, value in named:
        with name_variable(settings.variable_of(variable)):
            _check_extra_of(value)


def _check_extra_of(value: object) -> None:
    match value:
        case PostgresDatabase():
            check_extra("postgres", "postgresql://")
        case MongoDatabase():
            check_extra("mongo", "mongodb://")
        case S3Bucket():
            check_extra("s3", "s3://")
        case PhoneProvider(provider=provider):
            _check_extra_of(provider)
        case Provider(name=name, extra=extra) if extra:
            check_extra(extra, name)
        case _:
            pass  # it needs none


async def _write_last(write: Callable[[], Awaitable[None]], failed_event: str) -> None:
    """Write what was counted since the last write. A stop does not wait long for a database."""
    try:
        async with asyncio.timeout(_LAST_WRITE_TIMEOUT):
            await write()
    except TimeoutError:
        _log.warning(failed_event, reason="the database does not respond")
    except PortError as error:
        _log.warning(failed_event, reason=str(error))


@asynccontextmanager
async def _open_database_and_limits(
    settings: Settings,
    parts: Container[Part],
    phone_encryption: PhoneEncryption,
    metrics: "Metrics | None",
    *,
    is_service: bool,
) -> AsyncIterator[tuple[Database, HealthCheck | None]]:
    """Open the database and, if the settings name one, the limit store; yield its health."""
    from adapters.system import HeldHealthCheck

    async with AsyncExitStack() as stack:
        with name_variable(settings.variable_of("DIALTONE_DATABASE")):
            database = await stack.enter_async_context(open_database(settings, phone_encryption))
            if is_service:
                await check_declared(database.records)
        if metrics is not None:
            from adapters.metrics.stores import MeasuredRecordStore

            # Inside the guard, which does not call a database that is away.
            database = replace(
                database,
                records=MeasuredRecordStore(database.records, metrics),
                limits=_measure_limits(database.limits, metrics),
            )
        if not isinstance(settings.database, SqliteDatabase):
            # SQLite fails at once by itself.
            database = await stack.enter_async_context(guard_database(database))
        database = replace(database, health=HeldHealthCheck(database.health))
        if settings.limit_store is None:
            yield database, None
            return
        if Part.LIMITS not in parts:
            yield replace(database, limits=_NOT_OPENED), None
            return
        with name_variable("DIALTONE_LIMIT_STORE"):
            limits = await stack.enter_async_context(
                open_limit_store(settings.limit_store, settings)
            )
        health = HeldHealthCheck(health_check_of(limits))
        limits = _measure_limits(limits, metrics)
        yield replace(database, limits=SeparateLimits(limits, database.limits)), health


def _measure_limits(limits: LimitStore, metrics: "Metrics | None") -> LimitStore:
    if metrics is None:
        return limits
    from adapters.metrics.stores import MeasuredLimitStore

    return MeasuredLimitStore(limits, metrics)


def _measure_media(media: MediaPorts, metrics: "Metrics") -> MediaPorts:
    from adapters.metrics.stores import MeasuredImagePublisher, MeasuredMediaFiles

    return replace(
        media,
        files=MeasuredMediaFiles(media.files, metrics),
        image_publisher=MeasuredImagePublisher(media.image_publisher, metrics),
    )


def make_exposition(settings: Settings, metrics: "Metrics", use_cases: UseCases) -> "Exposition":
    """Return what renders the metrics, with what is read when they are requested."""
    from adapters.key_file.document import KeyPurpose
    from adapters.metrics.exposition import Exposition
    from adapters.system import SystemClock

    clock = SystemClock()
    keys = load_keys(settings, clock)
    return Exposition(
        metrics=metrics,
        measure_limits=use_cases.otp.measure_limits,
        count_users=use_cases.identities.count_users.recent,
        version=installed_version(),
        commit=find_commit(),
        key_rings={purpose.value: keys.key_set(purpose) for purpose in KeyPurpose},
        clock=clock,
        measure_event_delay=use_cases.events.send.measure_delay
        if settings.of(EventSettings).events
        else None,
    )


@asynccontextmanager
async def _open_media(
    settings: Settings, parts: Container[Part], clock: Clock, phone_encryption: PhoneEncryption
) -> AsyncIterator[MediaPorts]:
    """Open the media store and the processes that decode images, if they are needed."""
    files: MediaFiles | Any = _UnopenedFiles()
    image_publisher = _NOT_OPENED
    async with AsyncExitStack() as stack:
        if Part.MEDIA in parts:
            with name_variable("DIALTONE_MEDIA"):
                files = await stack.enter_async_context(open_files(settings, clock))
        if Part.IMAGES in parts:
            image_publisher = await stack.enter_async_context(_open_image_publisher(settings))
        yield MediaPorts(
            files=files, image_publisher=image_publisher, keyed_hashes=phone_encryption
        )


@asynccontextmanager
async def _open_messengers(
    settings: Settings, parts: Container[Part]
) -> AsyncIterator[Mapping[str, Messenger]]:
    """Open the messengers by name, in the order in which they are tried; none if not needed."""
    messengers: dict[str, Messenger] = {}
    async with AsyncExitStack() as stack:
        for provider in settings.sms if Part.MESSAGES in parts else ():
            with name_variable(settings.variable_of("DIALTONE_SMS")):
                opening = open_messenger(provider, settings)
                messengers[provider_name(provider)] = await stack.enter_async_context(opening)
        yield messengers


def _keep_messages(settings: Settings) -> RecentMessages | None:
    """Return what keeps the last messages for the page at `/`, None where it shows none."""
    if not keeps_messages(settings):
        return None
    from adapters.console import InMemoryRecentMessages

    return InMemoryRecentMessages()


def _fail_over(
    messengers: Mapping[str, Messenger], events: SecurityEvents, clock: Clock
) -> "FailoverMessenger":
    from adapters.failover import FailoverMessenger, Provider

    return FailoverMessenger(
        [Provider(name, messenger, ProviderPause(clock)) for name, messenger in messengers.items()],
        events,
        [health_check_of(messenger) for messenger in messengers.values()],
    )


@asynccontextmanager
async def _open_destinations(
    settings: Settings, parts: Container[Part]
) -> AsyncIterator[Mapping[str, EventDestination]]:
    """Open the destinations of events, by their stored names; only name them if not needed."""
    destinations: dict[str, EventDestination] = {}
    async with AsyncExitStack() as stack:
        for destination in settings.of(EventSettings).events:
            opened = _NOT_OPENED
            if Part.EVENTS in parts:
                with name_variable(settings.variable_of("DIALTONE_EVENTS")):
                    opening = open_destination(destination, settings)
                    opened = await stack.enter_async_context(opening)
            destinations[stored_name(destination)] = opened
        yield destinations


@asynccontextmanager
async def _open_journal(
    settings: Settings,
    parts: Container[Part],
    keys: "SecretKeys",
    phone_encryption: PhoneEncryption,
    clock: Clock,
    metrics: "Metrics | None",
) -> AsyncIterator[WriteActs | None]:
    """Yield what writes acts to the journal, None if there is none; write what waits at the end."""
    from adapters.key_file.document import KeyPurpose

    named = settings.of(JournalSettings).journal
    if named is None:
        yield None
        return
    async with open_journal(named, settings) as journal:
        if isinstance(journal, FileJournal) and Part.JOURNAL in parts:
            with name_variable("DIALTONE_JOURNAL"):
                await journal.check()
        counted: Journal = journal
        if metrics is not None:
            from adapters.metrics.counts import CountedJournal

            counted = CountedJournal(journal, metrics)
        write_acts = WriteActs(
            journal=counted,
            keyed_hashes=phone_encryption,
            index_key=keys.current()[KeyPurpose.PHONE_INDEX][0].id,
            clock=clock,
        )
        try:
            yield write_acts
        finally:
            await _write_last(write_acts.retry, "journal_not_written")


def open_journal(
    journal: Path | HttpHook, settings: Settings
) -> AbstractAsyncContextManager[Journal]:
    """Open the journal that the settings name."""
    if isinstance(journal, HttpHook):
        from adapters.journal.http_journal import open_http_journal

        return open_http_journal(journal.url, settings.of(JournalSettings).journal_secret.value)
    return nullcontext(FileJournal(journal))


def _make_identities_ports(keys: "SecretKeys") -> IdentitiesPorts:
    from adapters.jwt import JwtAccessTokens
    from adapters.key_file.document import KeyPurpose

    refresh_keys = keys.key_set(KeyPurpose.REFRESH)
    tokens = JwtAccessTokens(
        keys.key_set(KeyPurpose.SIGNING), refresh_keys, issuer=ISSUER, audience=ISSUER
    )
    return IdentitiesPorts(tokens=tokens, refresh_keys=refresh_keys)


def _folders_of(settings: Settings) -> Sequence[Path]:
    """Return the folders of the instance that it writes to."""
    folders = []
    if isinstance(settings.database, SqliteDatabase):
        folders.append(settings.database.path.parent)
    media = settings.of(MediaSettings).media
    if isinstance(media, MediaFolder):
        folders.append(media.path)
    return folders


def _find_health(adapter: object) -> HealthCheck | None:
    """Return the health check of an adapter, None if it has none, or if there is no adapter."""
    from adapters.system import HeldHealthCheck

    return HeldHealthCheck(health_check_of(adapter)) if hasattr(adapter, "check") else None


def load_keys(settings: Settings, clock: Clock, *, is_service: bool = False) -> "SecretKeys":
    """Load the keys.

    Args:
        settings: Say where the keys are.
        clock: Says which keys are active.
        is_service: Create missing keys in development, and check all in production. A job of root
            uses the file of the service's user.

    Raises:
        StartupError: they cannot be used.
    """
    from adapters.key_file.keys import ReloadingKeys, SecretKeys, parse_secrets

    is_strict = is_service and settings.env is Environment.PRODUCTION
    create_missing = is_service and not is_strict
    if text := settings.secrets.value:
        with name_variable("DIALTONE_SECRETS"):
            return SecretKeys(parse_secrets(text, is_strict=is_strict).keys, clock)
    with name_variable("DIALTONE_SECRETS_FILE"):
        if create_missing:
            check_secrets_file_not_lost(settings.database, settings.secrets_file)
        return ReloadingKeys(
            settings.secrets_file, clock, create_missing=create_missing, is_strict=is_strict
        )


def make_phone_encryption(keys: "SecretKeys", index_key: Key | None = None) -> PhoneEncryption:
    """Return the encryption of phones, by default with the only index key."""
    from adapters.encryption import AesPhoneEncryption
    from adapters.key_file.document import KeyPurpose
    from adapters.system import SystemRandomness

    key = index_key or keys.current()[KeyPurpose.PHONE_INDEX][0]
    return AesPhoneEncryption(
        key.key, keys.key_set(KeyPurpose.PHONE_ENCRYPTION), SystemRandomness()
    )


def find_key_fingerprint(settings: Settings) -> str | None:
    """Return the fingerprint of the keys; None without usable keys."""
    encryption = load_encryption(settings)
    return encryption.key_fingerprint() if encryption else None


def load_encryption(settings: Settings) -> PhoneEncryption | None:
    """Return the encryption of phones; None without usable keys."""
    from adapters.system import SystemClock

    try:
        return make_phone_encryption(load_keys(settings, SystemClock()))
    except StartupError:
        return None


@asynccontextmanager
async def open_voice(settings: Settings) -> AsyncIterator[VoicePorts | None]:
    """Open the provider of the phone line, until the block ends. None if there is none."""
    match settings.of(VoiceSettings).voice:
        case None:
            yield None
        case Factory() as factory:
            environ = settings.variables.values
            async with open_adapter(
                factory, "DIALTONE_VOICE", VoiceProvider, environ=environ
            ) as adapter:
                yield VoicePorts(adapter, adapter, adapter, adapter)
        case PhoneProvider() as provider:
            async with provider.open_voice(settings) as ports:
                yield ports


def find_recordings(settings: Settings, voice: VoicePorts | None) -> Recordings | None:
    """Return where recordings are, None if the settings name no provider that has them.

    Without a phone line, a provider of messages may have recordings of a former one.
    """
    if voice is not None:
        return voice.calls
    for known in PHONE_PROVIDERS:
        if known.provider in settings.sms:
            return RecordingsOnDemand(partial(known.open_recordings, settings))
    return None


def open_database(
    settings: Settings, phone_encryption: PhoneEncryption
) -> AbstractAsyncContextManager[Database]:
    """Open the database that the settings name, with the limits of its own."""
    _check_extra_of(settings.database)
    match settings.database:
        case SqliteDatabase(path=path):
            from adapters.sqlite import open_sqlite_database

            return open_sqlite_database(path, phone_encryption.key_fingerprint())
        case PostgresDatabase(url=url):
            from adapters.postgres import open_postgres_database

            return open_postgres_database(url, phone_encryption.key_fingerprint())
        case MongoDatabase(url=url):
            from adapters.mongo import open_mongo_database

            return open_mongo_database(url, phone_encryption.key_fingerprint())
        case Factory() as factory:
            environ = settings.variables.values
            return open_adapter(
                factory,
                settings.variable_of("DIALTONE_DATABASE"),
                Database,
                environ=environ,
                phone_encryption=phone_encryption,
            )


def open_limit_store(
    factory: Factory, settings: Settings
) -> AbstractAsyncContextManager[LimitStore]:
    """Open the limit store that replaces that of the database."""
    environ = settings.variables.values
    return open_adapter(factory, "DIALTONE_LIMIT_STORE", LimitStore, environ=environ)


def open_files(settings: Settings, clock: Clock) -> AbstractAsyncContextManager[MediaFiles]:
    """Open the media store that the settings name."""
    media = settings.of(MediaSettings)
    _check_extra_of(media.media)
    match media.media:
        case MediaFolder(path=path):
            from adapters.disk import open_disk_files

            return open_disk_files(path, media.media_service_url, clock)
        case S3Bucket(bucket=bucket, prefix=prefix):
            from adapters.s3 import open_s3_files

            return open_s3_files(
                bucket,
                prefix,
                endpoint=media.s3_endpoint,
                region=media.aws_region,
                access_key=media.aws_access_key_id,
                secret_key=media.aws_secret_access_key.value,
                session_token=media.aws_session_token.value,
                service_url=None if media.has_presigned_urls else media.media_service_url,
                cache_control=media.media_cache_control,
                clock=clock,
            )
        case Factory() as factory:
            environ = settings.variables.values
            return open_adapter(factory, "DIALTONE_MEDIA", MediaFiles, environ=environ)


def _open_image_publisher(settings: Settings) -> AbstractAsyncContextManager[ImagePublisher]:
    from adapters.pillow import open_image_publisher
    from adapters.system import count_processors

    media = settings.of(MediaSettings)
    pixels_per_hour = media.image_megapixels_per_hour * 10**6
    limits = ImageLimits(
        max_pixels=media.max_image_pixels,
        max_jpeg_pixels=media.max_jpeg_pixels,
        max_frames=media.max_image_frames,
        max_total_pixels=max(media.max_image_pixels, ImageLimits().max_total_pixels),
    )
    return open_image_publisher(
        limits,
        processes=max(1, count_processors() // settings.workers),
        allowance=PixelAllowance(pixels_per_hour // settings.workers, time.monotonic),
        formats=frozenset(media.image_formats),
    )


def open_messenger(
    provider: Provider | Factory | HttpHook, settings: Settings
) -> AbstractAsyncContextManager[Messenger]:
    """Open one of the messengers that the settings name."""
    if isinstance(provider, Factory):
        environ, variable = settings.variables.values, settings.variable_of("DIALTONE_SMS")
        return open_adapter(provider, variable, Messenger, environ=environ)
    if isinstance(provider, HttpHook):
        return open_hook(provider, settings.sms_hook_secret.value)
    return provider.open_messenger(settings)


def open_destination(
    destination: Destination, settings: Settings
) -> AbstractAsyncContextManager[EventDestination]:
    """Open one of the destinations of events that the settings name."""
    if isinstance(destination, Factory):
        environ, variable = settings.variables.values, settings.variable_of("DIALTONE_EVENTS")
        return open_adapter(destination, variable, EventDestination, environ=environ)
    from adapters.events.http_destination import open_http_destination

    return open_http_destination(destination.url, settings.of(EventSettings).events_secret.value)


@asynccontextmanager
async def _open_attestation(
    settings: Settings, keys: "SecretKeys", parts: Container[Part]
) -> AsyncIterator[Attestation | None]:
    async with AsyncExitStack() as stack:
        attestation = None
        if Part.MESSAGES in parts:
            with name_variable("DIALTONE_ATTESTATION"):
                attestation = await stack.enter_async_context(open_attestation(settings, keys))
        yield attestation


@asynccontextmanager
async def open_attestation(
    settings: Settings, keys: "SecretKeys"
) -> AsyncIterator[Attestation | None]:
    """Open what asks clients for a proof, until the block ends. None if nothing does."""
    attestation = settings.of(AttestationSettings)
    match attestation.attestation:
        case None:
            yield None
        case AttestationType.ALTCHA:
            from adapters.attestation.altcha import AltchaAttestation
            from adapters.key_file.document import KeyPurpose

            peppers = keys.key_set(KeyPurpose.OTP_PEPPER)
            yield AltchaAttestation(peppers, attestation.attestation_difficulty)
        case AttestationType.SITEVERIFY:
            async with open_siteverify(settings) as siteverify:
                yield siteverify
        case Factory() as factory:
            from adapters.attestation.guarded import GuardedAttestation

            async with open_own_attestation(factory, settings) as adapter:
                yield GuardedAttestation(adapter)


def open_own_attestation(
    factory: Factory, settings: Settings
) -> AbstractAsyncContextManager[Attestation]:
    """Open an operator's adapter that asks clients for a proof."""
    environ = settings.variables.values
    return open_adapter(factory, "DIALTONE_ATTESTATION", Attestation, environ=environ)


def open_siteverify(
    settings: Settings,
) -> AbstractAsyncContextManager["SiteverifyAttestation"]:
    """Open what asks a provider about the responses of its widget."""
    from adapters.attestation import siteverify

    attestation = settings.of(AttestationSettings)
    return siteverify.open_siteverify(
        attestation.attestation_url,
        attestation.attestation_secret.value,
        attestation.attestation_site_key,
        attestation.attestation_hostnames,
    )


@contextmanager
def name_variable(variable: str) -> Iterator[None]:
    """Add the variable that names an adapter to the adapter's error."""
    try:
        yield
    except ConfigurationError as error:
        raise StartupError(f"{variable}: {error}") from error
