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

from application.otp.senders import AnyOf, Senders
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
from domain.otp.texts.text_set import Names
from entrypoints.keys import check_keys_are_not_gone, longest_lives
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
    from adapters.secrets_file import RotatedList
    from adapters.texts import FileMessageTexts, Problem

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
    from adapters.jwt import JwtAccessTokens
    from adapters.pillow import open_pillow_pictures
    from adapters.sealing import AesPhoneSeal
    from adapters.secrets_file import FilePeppers, FileRefreshKeys, WatchedSecrets
    from adapters.system import SystemClock, SystemRandomness

    clock, randomness = clock or SystemClock(), SystemRandomness()
    texts = message_texts(settings)
    async with AsyncExitStack() as stack:
        with _naming("DIALTONE_SECRETS"):
            if settings.secrets.may_make:
                check_keys_are_not_gone(settings.database, settings.secrets.path)
            secrets = WatchedSecrets(
                settings.secrets.path,
                clock,
                may_make=settings.secrets.may_make,
                is_strict=settings.environment is Environment.PRODUCTION,
            )
        seal = AesPhoneSeal(secrets.current().index_key.key, secrets.seal_keys, randomness)
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
        tokens = JwtAccessTokens(secrets.signing_keys, issuer=ISSUER, audience=ISSUER)
        yield build_use_cases(
            Ports(
                repositories=records,
                media_files=files,
                media_health=probe_of(files),
                messenger=Senders(senders),
                messenger_health=AnyOf([probe_of(one) for one in senders]),
                message_texts=texts,
                pictures=pictures,
                tokens=tokens,
                public_keys=tokens,
                refresh_keys=FileRefreshKeys(secrets.refresh_keys),
                otp_keys=FilePeppers(secrets.otp_keys),
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


def rotate_keys(settings: Settings, delay: timedelta) -> "tuple[RotatedList, ...]":
    """Put new keys into the secrets file, to be used after the delay.

    Raises:
        StartRefused: the file cannot be used or replaced, or it is too early to rotate again.
    """
    from adapters.secrets_file import Lives, rotate_secrets
    from adapters.system import SystemClock

    tokens = longest_lives(settings)
    lives = Lives(
        codes=OTP_TTL,
        access_tokens=max(tokens.plain, tokens.access),
        refresh_tokens=tokens.refresh,
    )
    with _naming("DIALTONE_SECRETS"):
        return rotate_secrets(settings.secrets.path, SystemClock().now(), lives, delay=delay)


def message_texts(settings: Settings) -> "FileMessageTexts":
    """Read the texts of messages, and judge each as it would be sent.

    Raises:
        StartRefused: with a line for each rule that a text breaks.
    """
    from adapters.texts import TextsRefused, load_message_texts

    names = Names(settings.app_name, settings.android_hashes, settings.web_domain)
    try:
        texts = load_message_texts(settings.texts, settings.locale, names)
    except TextsRefused as error:
        raise StartRefused("\n".join(map(_line_of, error.problems))) from error
    if not texts.speaks(settings.locale):
        raise StartRefused(
            "DIALTONE_LOCALE: There are no texts in this language: put a file with them into the "
            "folder of DIALTONE_TEXTS, or name another. Example: DIALTONE_LOCALE=en"
        )
    return texts


def _line_of(problem: "Problem") -> str:
    told = f"{problem.place}: {problem.reason}."
    if not problem.is_shipped:
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
            from adapters.mongo import open_mongo_repositories

            return open_mongo_repositories(url, seal)
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
