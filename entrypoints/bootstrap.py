"""From settings to use cases: the only place that knows every adapter.

Each technology's room is imported only where the settings pick it.
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
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from application.ports.clock import Clock
from application.ports.errors import ConfigurationError
from application.ports.media_files import MediaFiles
from application.ports.messenger import Messenger
from application.ports.phone_encryption import PhoneEncryption
from application.ports.repositories import Repositories
from application.use_cases import UseCases
from application.wiring import Policy, Ports, build_use_cases
from domain.media.picture import PictureLimits
from domain.otp.challenge import OTP_TTL
from domain.otp.templates.template_set import AppIdentity
from entrypoints.keys import check_secrets_file_not_lost, max_token_lifetimes
from entrypoints.logs.security_events import LoggedSecurityEvents
from entrypoints.own_adapters import StartRefused, open_own, probe_of
from entrypoints.settings import Settings
from entrypoints.settings.kinds import (
    Environment,
    Factory,
    MediaFolder,
    MongoDatabase,
    S3Bucket,
    Sender,
    SqliteDatabase,
)

if TYPE_CHECKING:
    from adapters.key_file import RotatedKeys
    from adapters.templates import FileSmsTemplates, TemplateProblem

ISSUER: Final = "dialtone"
"""Issuer and audience of our tokens: the keys tell deployments apart."""


@asynccontextmanager
async def open_use_cases(settings: Settings, clock: Clock | None = None) -> AsyncIterator[UseCases]:
    """Open everything that the settings name; all of it is closed at the end of the block.

    The time is the machine's where no clock is given.

    Makes what is missing: keys (in development), the database and its newest form, the folder.

    Raises:
        StartRefused: something of it cannot be used.
    """
    from adapters.encryption import AesPhoneEncryption
    from adapters.failover import FailoverHealthCheck, FailoverMessenger
    from adapters.jwt import JwtAccessTokens
    from adapters.key_file import FileOtpKeys, FileRefreshKeys, KeyPurpose, ReloadingKeys
    from adapters.pillow import open_pillow_pictures
    from adapters.system import SystemClock, SystemRandomness

    clock, randomness = clock or SystemClock(), SystemRandomness()
    templates = sms_templates(settings)
    async with AsyncExitStack() as stack:
        with _naming("DIALTONE_SECRETS"):
            if settings.secrets.may_make:
                check_secrets_file_not_lost(settings.database, settings.secrets.path)
            keys = ReloadingKeys(
                settings.secrets.path,
                clock,
                create_missing=settings.secrets.may_make,
                is_strict=settings.environment is Environment.PRODUCTION,
            )
        (index_key,) = keys.current()[KeyPurpose.PHONE_INDEX]
        seal = AesPhoneEncryption(
            index_key.key, keys.key_set(KeyPurpose.PHONE_ENCRYPTION), randomness
        )
        with _naming("DIALTONE_DATABASE"):
            records = await stack.enter_async_context(_records(settings, seal))
        with _naming("DIALTONE_MEDIA"):
            files = await stack.enter_async_context(_files(settings, clock))
        with _naming("DIALTONE_SMS"):
            senders = [
                await stack.enter_async_context(_messenger(one, settings)) for one in settings.sms
            ]
        limits = PictureLimits(
            pixels=settings.picture_pixels,
            frames=settings.picture_frames,
            all_pixels=max(settings.picture_pixels, PictureLimits().all_pixels),
        )
        pictures = await stack.enter_async_context(open_pillow_pictures(limits))
        signing_keys = keys.key_set(KeyPurpose.SIGNING)
        tokens = JwtAccessTokens(signing_keys, issuer=ISSUER, audience=ISSUER)
        yield build_use_cases(
            Ports(
                repositories=records,
                media_files=files,
                media_health=probe_of(files),
                messenger=FailoverMessenger(senders),
                messenger_health=FailoverHealthCheck([probe_of(one) for one in senders]),
                sms_templates=templates,
                pictures=pictures,
                tokens=tokens,
                public_keys=tokens,
                refresh_keys=FileRefreshKeys(keys.key_set(KeyPurpose.REFRESH)),
                otp_keys=FileOtpKeys(keys.key_set(KeyPurpose.OTP_PEPPER)),
                events=LoggedSecurityEvents(),
                clock=clock,
                randomness=randomness,
            ),
            Policy(
                countries=settings.countries,
                lifetimes=settings.token_lifetimes,
                delivery_policy=settings.delivery_policy,
                rate_limits=settings.rate_limits,
                test_otps=settings.test_otps,
            ),
        )


def rotate_keys(settings: Settings, delay: timedelta) -> "tuple[RotatedKeys, ...]":
    """Put new keys into the secrets file, to be used after the delay.

    Raises:
        StartRefused: the file cannot be used or replaced, or it is too early to rotate again.
    """
    from adapters.key_file import KeyPurpose, rotate_secrets_file
    from adapters.system import SystemClock

    tokens = max_token_lifetimes(settings)
    lifetimes = {
        KeyPurpose.SIGNING: max(tokens.plain, tokens.access),
        KeyPurpose.REFRESH: tokens.refresh,
        KeyPurpose.OTP_PEPPER: OTP_TTL,
    }
    with _naming("DIALTONE_SECRETS"):
        return rotate_secrets_file(
            settings.secrets.path, SystemClock().now(), lifetimes, delay=delay
        )


def sms_templates(settings: Settings) -> "FileSmsTemplates":
    """Read and validate the templates of messages.

    Raises:
        StartRefused: with a line for each rule that a message violates.
    """
    from adapters.templates import InvalidTemplates, load_sms_templates

    app = AppIdentity(settings.app_name, settings.android_hashes, settings.web_domain)
    try:
        templates = load_sms_templates(settings.texts, settings.locale, app)
    except InvalidTemplates as error:
        raise StartRefused("\n".join(map(_line_of, error.problems))) from error
    if not templates.has_locale(settings.locale):
        raise StartRefused(
            "DIALTONE_LOCALE: There are no texts in this language: put a file with them into the "
            "folder of DIALTONE_TEXTS, or name another. Example: DIALTONE_LOCALE=en"
        )
    return templates


def _line_of(problem: "TemplateProblem") -> str:
    told = f"{problem.location}: {problem.reason}."
    if not problem.is_builtin:
        return f"DIALTONE_TEXTS: {told}"
    return (
        f"Shipped text {told} Shorten DIALTONE_APP_NAME or DIALTONE_WEB_DOMAIN, or put a file of "
        "this name into the folder of DIALTONE_TEXTS."
    )


def _records(
    settings: Settings, seal: PhoneEncryption
) -> AbstractAsyncContextManager[Repositories]:
    match settings.database:
        case SqliteDatabase(path=path):
            from adapters.sqlite import open_sqlite_records

            return open_sqlite_records(path, seal)
        case MongoDatabase(url=url):
            from adapters.mongo import open_mongo_records

            return open_mongo_records(url, seal)
        case Factory() as factory:
            return open_own(factory, "DIALTONE_DATABASE", settings.environ, seal)


def _files(settings: Settings, clock: Clock) -> AbstractAsyncContextManager[MediaFiles]:
    match settings.media:
        case MediaFolder(path=path):
            from adapters.disk import open_disk_files

            url = settings.media_public_url or f"{settings.public_url}/media"
            return open_disk_files(path, url, clock)
        case S3Bucket(bucket=bucket, prefix=prefix):
            from adapters.s3 import open_s3_files

            access = settings.s3
            assert access is not None  # noqa: S101 - settings are read together
            return open_s3_files(
                bucket,
                prefix,
                endpoint=access.endpoint,
                region=access.region,
                access_key=access.access_key,
                secret_key=access.secret_key,
                public_url=settings.media_public_url,
                clock=clock,
            )
        case Factory() as factory:
            return open_own(factory, "DIALTONE_MEDIA", settings.environ)


def _messenger(
    sender: Sender | Factory, settings: Settings
) -> AbstractAsyncContextManager[Messenger]:
    match sender:
        case Sender.CONSOLE:
            from adapters.console import ConsoleMessenger

            return nullcontext(ConsoleMessenger(sys.stdout))
        case Sender.TWILIO:
            from adapters.twilio import open_twilio_messenger

            account = settings.twilio
            assert account is not None  # noqa: S101 - settings are read together
            return open_twilio_messenger(
                account.account_sid,
                account.auth_token,
                sender=account.sender,
                api_base=account.api_base,
            )
        case Factory() as factory:
            return open_own(factory, "DIALTONE_SMS", settings.environ)


@contextmanager
def _naming(variable: str) -> Iterator[None]:
    """Tell the operator of what cannot be opened, and which setting names it."""
    try:
        yield
    except ConfigurationError as error:
        raise StartRefused(f"{variable}: {error}") from error
