"""From settings to use cases: the only module that knows every adapter.

An adapter's package is imported only if the settings name it.
"""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.logging import LogSecurityEvents
from application.ports.errors import ConfigurationError
from application.ports.keys import Key
from application.ports.media_files import MediaFiles
from application.ports.messenger import Messenger
from application.ports.phone_encryption import PhoneEncryption
from application.ports.repositories import Repositories
from application.ports.system import Clock
from application.use_cases import UseCases
from application.wiring import Policy, Ports, build_use_cases
from domain.identities.session import SessionLimits
from domain.media.image import ImageLimits
from domain.otp.challenge import OTP_TTL
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.rate_limits import RateLimits
from domain.otp.templates.template_set import AppIdentity
from domain.phone import PhoneRules
from domain.voice.flow import CallFlow
from entrypoints.factories import (
    DatabaseFactory,
    MediaFactory,
    MessengerFactory,
    health_check_of,
    load_factory,
    open_adapter,
)
from entrypoints.keys import check_secrets_file_not_lost, max_token_lifetimes
from entrypoints.settings import Settings
from entrypoints.settings.values import (
    Environment,
    Factory,
    MediaFolder,
    MongoDatabase,
    S3Bucket,
    SmsProvider,
    SqliteDatabase,
)
from entrypoints.startup_error import StartupError

if TYPE_CHECKING:
    from adapters.key_file import RotatedKeys
    from adapters.templates import FileSmsTemplates, TemplateProblem

_NOT_FOR_FACTORIES: Final = (
    "DIALTONE_DATABASE: this command works with sqlite:/// and mongodb:// only. A database adapter "
    "of your own needs its own job."
)
ISSUER: Final = "dialtone"
"""Issuer and audience of access tokens; the signing keys distinguish deployments."""


@asynccontextmanager
async def open_use_cases(settings: Settings, clock: Clock | None = None) -> AsyncIterator[UseCases]:
    """Open all adapters that the settings name, until the block ends.

    Creates what is missing: keys (in development), the database and its schema, the media folder.

    Args:
        settings: Names the adapters.
        clock: Replaces the system's clock.

    Raises:
        StartupError: an adapter cannot be opened.
    """
    from adapters.encryption import AesPhoneEncryption
    from adapters.failover import FailoverHealthCheck, FailoverMessenger
    from adapters.jwt import JwtAccessTokens
    from adapters.key_file import FileOtpKeys, FileRefreshKeys, KeyPurpose, ReloadingKeys
    from adapters.pillow import open_image_publisher
    from adapters.system import SystemClock, SystemRandomness, count_processors

    clock, randomness = clock or SystemClock(), SystemRandomness()
    templates = load_sms_templates(settings)
    load_call_flow(settings)
    is_production = settings.env is Environment.PRODUCTION
    async with AsyncExitStack() as stack:
        with _naming("DIALTONE_SECRETS_FILE"):
            if not is_production:
                check_secrets_file_not_lost(settings.database, settings.secrets_file)
            keys = ReloadingKeys(
                settings.secrets_file,
                clock,
                create_missing=not is_production,
                is_strict=is_production,
            )
        (index_key,) = keys.current()[KeyPurpose.PHONE_INDEX]
        phone_encryption = AesPhoneEncryption(
            index_key.key, keys.key_set(KeyPurpose.PHONE_ENCRYPTION), randomness
        )
        with _naming("DIALTONE_DATABASE"):
            records = await stack.enter_async_context(_open_database(settings, phone_encryption))
        with _naming("DIALTONE_MEDIA"):
            files = await stack.enter_async_context(_open_files(settings, clock))
        with _naming("DIALTONE_SMS"):
            messengers = [
                await stack.enter_async_context(_open_messenger(provider, settings))
                for provider in settings.sms
            ]
        image_limits = ImageLimits(
            max_pixels=settings.max_image_pixels,
            max_frames=settings.max_image_frames,
            max_total_pixels=max(settings.max_image_pixels, ImageLimits().max_total_pixels),
        )
        image_publisher = await stack.enter_async_context(
            open_image_publisher(
                image_limits,
                threads=settings.image_threads or max(1, count_processors() // settings.workers),
                max_pixels_per_hour=settings.max_pixels_per_hour,
            )
        )
        tokens = JwtAccessTokens(
            keys.key_set(KeyPurpose.SIGNING),
            keys.key_set(KeyPurpose.REFRESH),
            issuer=ISSUER,
            audience=ISSUER,
        )
        yield build_use_cases(
            Ports(
                repositories=records,
                media_files=files,
                media_health=health_check_of(files),
                messenger=FailoverMessenger(messengers),
                messenger_health=FailoverHealthCheck(
                    [health_check_of(messenger) for messenger in messengers]
                ),
                sms_templates=templates,
                image_publisher=image_publisher,
                tokens=tokens,
                public_keys=tokens,
                refresh_keys=FileRefreshKeys(keys.key_set(KeyPurpose.REFRESH)),
                otp_keys=FileOtpKeys(keys.key_set(KeyPurpose.OTP_PEPPER)),
                client_ip_hashes=phone_encryption,
                number_range_hashes=phone_encryption,
                events=LogSecurityEvents(),
                clock=clock,
                randomness=randomness,
            ),
            Policy(
                countries=settings.countries,
                lifetimes=settings.token_lifetimes,
                session_limits=SessionLimits(
                    max_age=settings.session_max_age, idle_timeout=settings.session_idle_timeout
                ),
                delivery_policy=DeliveryPolicy(
                    per_phone=settings.sms_limit_per_phone,
                    per_phone_and_ip=settings.sms_limit_per_phone_and_ip,
                    own_quota=settings.sms_limit_trusted_ip,
                ),
                rate_limits=RateLimits(
                    per_ip=settings.sms_limit_per_ip,
                    per_range=settings.sms_limit_per_range,
                    per_country=settings.sms_limit_per_country,
                    total=settings.sms_limit_total,
                    all_deliveries_factor=settings.sms_limit_all_factor,
                    countries_per_ip=settings.sms_countries_per_ip,
                    verifications_per_ip=settings.verify_limit_per_ip,
                    failed_attempts_per_country=settings.failed_attempt_limit_per_country,
                    failed_attempts_total=settings.failed_attempt_limit_total,
                ),
                test_otps=settings.test_otps.get_secret_value(),
                otp_length=settings.otp_length,
                phone_rules=PhoneRules(accepts_toll_free=settings.accepts_toll_free_numbers),
                recycled_after=settings.recycled_after,
            ),
        )


def rotate_keys(settings: Settings, delay: timedelta) -> "tuple[RotatedKeys, ...]":
    """Add new keys to the secrets file; they are used after the delay.

    Raises:
        StartupError: the file cannot be used or replaced, or the last rotation was too recent.
    """
    from adapters.key_file import KeyPurpose, rotate_secrets_file
    from adapters.system import SystemClock

    tokens = max_token_lifetimes(settings)
    lifetimes = {
        KeyPurpose.SIGNING: max(tokens.plain, tokens.access),
        KeyPurpose.REFRESH: max(tokens.refresh, tokens.plain),
        KeyPurpose.OTP_PEPPER: OTP_TTL,
    }
    with _naming("DIALTONE_SECRETS_FILE"):
        return rotate_secrets_file(
            settings.secrets_file, SystemClock().now(), lifetimes, delay=delay
        )


async def reencrypt_phones(settings: Settings) -> tuple[int, tuple[str, ...]]:
    """Encrypt all stored phones with the current key.

    Returns:
        How many were encrypted again, and the ids of the keys that no record uses anymore.

    Raises:
        StartupError: keys or database cannot be used.
        StorageError
    """
    from adapters.encryption import AesPhoneEncryption
    from adapters.key_file import KeyPurpose, ReloadingKeys
    from adapters.system import SystemClock, SystemRandomness

    clock = SystemClock()
    with _naming("DIALTONE_SECRETS_FILE"):
        keys = ReloadingKeys(settings.secrets_file, clock)
    (index_key,) = keys.current()[KeyPurpose.PHONE_INDEX]
    key_set = keys.key_set(KeyPurpose.PHONE_ENCRYPTION)
    # Before the job: a key that becomes active meanwhile is used by the records after it only.
    current, now = key_set.signing(), clock.now()
    encryption = AesPhoneEncryption(index_key.key, key_set, SystemRandomness())
    with _naming("DIALTONE_DATABASE"):
        count = 0
        while found := await _reencrypt_phones(settings, encryption):
            count += found
    older = (key for key in key_set.accepted() if key.not_before <= now and key.id != current.id)
    return count, tuple(key.id for key in older if key.not_before < current.not_before)


async def rotate_index_key(settings: Settings) -> tuple[str, int]:
    """Change the index key, or continue a change that was interrupted. No service may run.

    Returns:
        The id of the new key, and the number of phone verifications that are kept.

    Raises:
        StartupError: a service runs, or keys or database cannot be used.
    """
    from adapters.encryption import AesPhoneEncryption
    from adapters.key_file import (
        KeyPurpose,
        StaticKeySet,
        begin_index_key_change,
        finish_index_key_change,
        load_secrets_file,
    )
    from adapters.system import SystemClock, SystemRandomness

    now, path = SystemClock().now(), settings.secrets_file

    with _naming("DIALTONE_SECRETS_FILE"):
        keys = load_secrets_file(path, max_index_keys=2).keys
    encryption_keys = StaticKeySet(keys[KeyPurpose.PHONE_ENCRYPTION], now)

    def encryption_with(index_key: Key) -> PhoneEncryption:
        return AesPhoneEncryption(index_key.key, encryption_keys, SystemRandomness())

    if len(keys[KeyPurpose.PHONE_INDEX]) == 1:
        # Before the file is changed: no service would start with it anymore.
        (current_key,) = keys[KeyPurpose.PHONE_INDEX]
        with _naming("DIALTONE_DATABASE"):
            await _check_unused(settings, encryption_with(current_key), now)
    with _naming("DIALTONE_SECRETS_FILE"):
        new_key, old_key = begin_index_key_change(path, now)
    with _naming("DIALTONE_DATABASE"):
        kept = await _change_index_key(
            settings, encryption_with(old_key), encryption_with(new_key), now
        )
    with _naming("DIALTONE_SECRETS_FILE"):
        finish_index_key_change(path)
    return new_key.id, kept


async def _reencrypt_phones(settings: Settings, encryption: PhoneEncryption) -> int:
    match settings.database:
        case SqliteDatabase(path=path):
            from adapters.sqlite import reencrypt_phones as reencrypt_in_sqlite

            return await reencrypt_in_sqlite(path, encryption)
        case MongoDatabase(url=url):
            from adapters.mongo import reencrypt_phones as reencrypt_in_mongo

            return await reencrypt_in_mongo(url, encryption)
        case Factory():
            raise StartupError(_NOT_FOR_FACTORIES)


async def _check_unused(settings: Settings, encryption: PhoneEncryption, now: datetime) -> None:
    match settings.database:
        case SqliteDatabase(path=path):
            from adapters.sqlite import check_unused as check_sqlite_unused

            check_sqlite_unused(path, encryption)
        case MongoDatabase(url=url):
            from adapters.mongo import check_unused as check_mongo_unused

            await check_mongo_unused(url, encryption, now)
        case Factory():
            raise StartupError(_NOT_FOR_FACTORIES)


async def _change_index_key(
    settings: Settings, old: PhoneEncryption, new: PhoneEncryption, now: datetime
) -> int:
    match settings.database:
        case SqliteDatabase(path=path):
            from adapters.sqlite import change_index_key as change_in_sqlite

            return change_in_sqlite(path, old, new)
        case MongoDatabase(url=url):
            from adapters.mongo import change_index_key as change_in_mongo

            return await change_in_mongo(url, old, new, now)
        case Factory():
            raise StartupError(_NOT_FOR_FACTORIES)


def load_sms_templates(settings: Settings) -> "FileSmsTemplates":
    """Load the message templates and validate each message that they can produce.

    Raises:
        StartupError: with one line for each problem.
    """
    from adapters.templates import InvalidTemplates
    from adapters.templates import load_sms_templates as load_templates

    app = AppIdentity(
        settings.app_name, settings.android_hashes, settings.web_domain, settings.otp_length
    )
    try:
        templates = load_templates(settings.sms_templates_dir, settings.default_locale, app)
    except InvalidTemplates as error:
        raise StartupError("\n".join(map(_template_problem, error.problems))) from error
    if not templates.has_locale(settings.default_locale):
        raise StartupError(
            "DIALTONE_DEFAULT_LOCALE: There are no templates in this language. Add a file to the "
            "folder in DIALTONE_SMS_TEMPLATES_DIR, or use another language. "
            "Example: DIALTONE_DEFAULT_LOCALE=en"
        )
    return templates


def load_call_flow(settings: Settings, file: Path | None = None) -> CallFlow:
    """Load the flow of inbound calls, or the one in `file`, and validate it as a whole.

    Raises:
        StartupError: with one line for each problem.
    """
    from adapters.flows import InvalidCallFlow
    from adapters.flows import load_call_flow as load_flow

    try:
        return load_flow(file or settings.call_flow, settings.app_name)
    except InvalidCallFlow as error:
        is_setting = file is None and settings.call_flow is not None
        prefix = "DIALTONE_CALL_FLOW: " if is_setting else ""
        raise StartupError("\n".join(f"{prefix}{line}." for line in error.lines)) from error


def _template_problem(problem: "TemplateProblem") -> str:
    text = f"{problem.location}: {problem.reason}."
    if not problem.is_builtin:
        return f"DIALTONE_SMS_TEMPLATES_DIR: {text}"
    return (
        f"Built-in template {text} Use a shorter DIALTONE_APP_NAME or DIALTONE_WEB_DOMAIN, or add "
        "a file with this name to the folder in DIALTONE_SMS_TEMPLATES_DIR."
    )


def _open_database(
    settings: Settings, phone_encryption: PhoneEncryption
) -> AbstractAsyncContextManager[Repositories]:
    match settings.database:
        case SqliteDatabase(path=path):
            from adapters.sqlite import open_sqlite_repositories

            return open_sqlite_repositories(path, phone_encryption)
        case MongoDatabase(url=url):
            from adapters.mongo import open_mongo_repositories

            return open_mongo_repositories(url, phone_encryption)
        case Factory() as factory:
            create: DatabaseFactory = load_factory(factory, "DIALTONE_DATABASE")
            environ = settings.variables.values
            return open_adapter(
                partial(create, environ=environ, phone_encryption=phone_encryption),
                factory,
                "DIALTONE_DATABASE",
            )


def _open_files(settings: Settings, clock: Clock) -> AbstractAsyncContextManager[MediaFiles]:
    match settings.media:
        case MediaFolder(path=path):
            from adapters.disk import open_disk_files

            url = settings.media_public_url or f"{settings.public_url}/media"
            return open_disk_files(path, url, clock)
        case S3Bucket(bucket=bucket, prefix=prefix):
            from adapters.s3 import open_s3_files

            return open_s3_files(
                bucket,
                prefix,
                endpoint=settings.s3_endpoint,
                region=settings.aws_region,
                access_key=settings.aws_access_key_id,
                secret_key=settings.aws_secret_access_key.get_secret_value(),
                public_url=settings.media_public_url,
                clock=clock,
            )
        case Factory() as factory:
            create: MediaFactory = load_factory(factory, "DIALTONE_MEDIA")
            environ = settings.variables.values
            return open_adapter(partial(create, environ=environ), factory, "DIALTONE_MEDIA")


def _open_messenger(
    provider: SmsProvider | Factory, settings: Settings
) -> AbstractAsyncContextManager[Messenger]:
    match provider:
        case SmsProvider.CONSOLE:
            from adapters.console import ConsoleMessenger

            return nullcontext(ConsoleMessenger(sys.stdout))
        case SmsProvider.TWILIO:
            from adapters.twilio import open_twilio_messenger

            return open_twilio_messenger(
                settings.twilio_account_sid,
                settings.twilio_auth_token.get_secret_value(),
                sender=settings.twilio_from or settings.twilio_messaging_service_sid,
                api_base=settings.twilio_api_base,
            )
        case Factory() as factory:
            create: MessengerFactory = load_factory(factory, "DIALTONE_SMS")
            environ = settings.variables.values
            return open_adapter(partial(create, environ=environ), factory, "DIALTONE_SMS")


@contextmanager
def _naming(variable: str) -> Iterator[None]:
    """Add the variable that names an adapter to the adapter's error."""
    try:
        yield
    except ConfigurationError as error:
        raise StartupError(f"{variable}: {error}") from error
