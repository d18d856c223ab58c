"""From settings to use cases: the only module that knows every adapter.

An adapter's package is imported only if the settings name it.
"""

from collections.abc import AsyncIterator, Container, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import replace
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from adapters.logging import LogSecurityEvents
from adapters.records.database import Database
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.repositories import make_repositories
from adapters.records.separate_limits import SeparateLimits
from application.identities.feature import IdentitiesPorts
from application.media.feature import MediaPorts
from application.operations.feature import OperationsPorts
from application.otp.feature import OtpPorts
from application.ports.errors import ConfigurationError
from application.ports.keys import Key
from application.ports.limits import LimitStore
from application.ports.media import ImagePublisher, MediaFiles
from application.ports.otp import Messenger
from application.ports.system import Clock, SystemPorts
from application.ports.voice import Recordings, VoicePorts, VoiceProvider
from application.use_cases import Policy, Ports, UseCases
from domain.media.image import ImageLimits
from entrypoints.factories import (
    health_check_of,
    open_adapter,
    status_callbacks_of,
)
from entrypoints.lost_data import check_secrets_file_not_lost
from entrypoints.operator_files import load_call_flow, load_sms_templates
from entrypoints.providers import PHONE_PROVIDERS, PhoneProvider, Provider, provider_name
from entrypoints.recordings import RecordingsOnDemand
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import (
    Environment,
    Factory,
    MediaFolder,
    MongoDatabase,
    S3Bucket,
    SqliteDatabase,
)
from entrypoints.startup_error import StartupError

if TYPE_CHECKING:
    from adapters.key_file.keys import SecretKeys

ISSUER: Final = "dialtone"
"""Issuer and audience of access tokens; the signing keys distinguish deployments."""


class Part(Enum):
    """What a command may not need. Keys and the database are always opened."""

    MEDIA = auto()
    IMAGES = auto()
    """The processes that decode images."""
    CALLS = auto()
    """The call provider."""
    MESSAGES = auto()
    """The message providers, and the texts of messages and calls."""


_NOT_OPENED: Final[Any] = object()
"""In the place of a part that is not needed: each use of it is an error."""


@asynccontextmanager
async def open_use_cases(
    settings: Settings, clock: Clock | None = None, parts: Container[Part] = frozenset(Part)
) -> AsyncIterator[UseCases]:
    """Open the adapters that the settings name, until the block ends.

    Creates what is missing: keys (in development), the database and its schema, the media folder.

    Args:
        settings: Names the adapters.
        clock: Replaces the system's clock.
        parts: What to open, by default everything. Use cases that need more must not be called.

    Raises:
        StartupError: an adapter cannot be opened.
    """
    from adapters import failover
    from adapters.jwt import JwtAccessTokens
    from adapters.key_file.document import KeyPurpose
    from adapters.system import HeldHealthCheck, SystemClock, SystemRandomness

    clock, randomness = clock or SystemClock(), SystemRandomness()
    sends = Part.MESSAGES in parts
    async with AsyncExitStack() as stack:
        templates = load_sms_templates(settings) if sends else _NOT_OPENED
        voice_policy = None
        if sends and settings.has_phone_line:
            voice_policy = settings.voice_policy(load_call_flow(settings))
        keys = load_keys(settings, clock, is_service=True)
        phone_encryption = make_phone_encryption(keys)
        with name_variable("DIALTONE_DATABASE"):
            database = await stack.enter_async_context(open_database(settings, phone_encryption))
        limit_store_health = None
        if settings.limit_store is not None:
            with name_variable("DIALTONE_LIMIT_STORE"):
                limits = await stack.enter_async_context(
                    open_limit_store(settings.limit_store, settings)
                )
            database = replace(database, limits=SeparateLimits(limits, database.limits))
            limit_store_health = HeldHealthCheck(health_check_of(limits))
        database = replace(database, health=HeldHealthCheck(database.health))
        files = image_publisher = _NOT_OPENED
        if Part.MEDIA in parts:
            with name_variable("DIALTONE_MEDIA"):
                files = await stack.enter_async_context(open_files(settings, clock))
        providers = settings.sms if sends else ()
        with name_variable("DIALTONE_SMS"):
            messengers = [
                await stack.enter_async_context(open_messenger(provider, settings))
                for provider in providers
            ]
        status_callbacks = status_callbacks_of(messengers)
        voice = None
        if Part.CALLS in parts:
            with name_variable("DIALTONE_VOICE"):
                voice = await stack.enter_async_context(open_voice(settings))
        messenger = failover.FailoverMessenger(
            [
                failover.Provider(provider_name(provider), one)
                for provider, one in zip(providers, messengers, strict=True)
            ],
            [health_check_of(one) for one in messengers],
        )
        if Part.IMAGES in parts:
            image_publisher = await stack.enter_async_context(_open_image_publisher(settings))
        tokens = JwtAccessTokens(
            keys.key_set(KeyPurpose.SIGNING),
            keys.key_set(KeyPurpose.REFRESH),
            issuer=ISSUER,
            audience=ISSUER,
        )
        yield UseCases(
            Ports(
                system=SystemPorts(clock=clock, randomness=randomness, events=LogSecurityEvents()),
                repositories=make_repositories(database, phone_encryption),
                identities=IdentitiesPorts(
                    tokens=tokens, refresh_keys=keys.key_set(KeyPurpose.REFRESH)
                ),
                media=MediaPorts(
                    files=files, image_publisher=image_publisher, keyed_hashes=phone_encryption
                ),
                otp=OtpPorts(
                    messenger=messenger,
                    sms_templates=templates,
                    peppers=keys.key_set(KeyPurpose.OTP_PEPPER),
                    keyed_hashes=phone_encryption,
                    call_provider=voice.calls if voice else None,
                    status_callbacks=status_callbacks,
                ),
                operations=OperationsPorts(
                    media_files=files,
                    media_health=HeldHealthCheck(health_check_of(files)),
                    messenger_health=HeldHealthCheck(messenger),
                    limit_store_health=limit_store_health,
                    recordings=find_recordings(settings, voice),
                ),
                voice=voice,
            ),
            Policy(
                identities=settings.identities_policy(),
                media=settings.media_policy(),
                otp=settings.otp_policy(are_messages_reported=bool(status_callbacks)),
                operations=settings.operations_policy(),
                voice=voice_policy,
            ),
        )


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
    match settings.voice:
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
    for provider in PHONE_PROVIDERS:
        if provider in settings.sms:
            return RecordingsOnDemand(partial(provider.open_recordings, settings))
    return None


def open_database(
    settings: Settings, phone_encryption: PhoneEncryption
) -> AbstractAsyncContextManager[Database]:
    """Open the database that the settings name, with the limits of its own."""
    match settings.database:
        case SqliteDatabase(path=path):
            from adapters.sqlite import open_sqlite_database

            return open_sqlite_database(path, phone_encryption.key_fingerprint())
        case MongoDatabase(url=url):
            from adapters.mongo import open_mongo_database

            return open_mongo_database(url, phone_encryption.key_fingerprint())
        case Factory() as factory:
            environ = settings.variables.values
            return open_adapter(
                factory,
                "DIALTONE_DATABASE",
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
    match settings.media:
        case MediaFolder(path=path):
            from adapters.disk import open_disk_files

            return open_disk_files(path, f"{settings.public_url}/media", clock)
        case S3Bucket(bucket=bucket, prefix=prefix):
            from adapters.s3 import open_s3_files

            return open_s3_files(
                bucket,
                prefix,
                endpoint=settings.s3_endpoint,
                region=settings.aws_region,
                access_key=settings.aws_access_key_id,
                secret_key=settings.aws_secret_access_key.value,
                cache_control=settings.media_cache_control,
                clock=clock,
            )
        case Factory() as factory:
            environ = settings.variables.values
            return open_adapter(factory, "DIALTONE_MEDIA", MediaFiles, environ=environ)


def _open_image_publisher(settings: Settings) -> AbstractAsyncContextManager[ImagePublisher]:
    from adapters.pillow import open_image_publisher
    from adapters.system import count_processors

    limits = ImageLimits(
        max_pixels=settings.max_image_pixels,
        max_jpeg_pixels=settings.max_jpeg_pixels,
        max_frames=settings.max_image_frames,
        max_total_pixels=max(settings.max_image_pixels, ImageLimits().max_total_pixels),
    )
    return open_image_publisher(
        limits,
        processes=max(1, count_processors() // settings.workers),
        max_pixels_per_hour=settings.image_megapixels_per_hour * 10**6 // settings.workers,
        formats=frozenset(settings.image_formats),
    )


def open_messenger(
    provider: Provider | Factory, settings: Settings
) -> AbstractAsyncContextManager[Messenger]:
    """Open one of the messengers that the settings name."""
    if isinstance(provider, Factory):
        environ = settings.variables.values
        return open_adapter(provider, "DIALTONE_SMS", Messenger, environ=environ)
    return provider.open_messenger(settings)


@contextmanager
def name_variable(variable: str) -> Iterator[None]:
    """Add the variable that names an adapter to the adapter's error."""
    try:
        yield
    except ConfigurationError as error:
        raise StartupError(f"{variable}: {error}") from error
