"""From settings to use cases: the only place that knows every adapter.

Each technology's room is imported only where the settings pick it.
"""

import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from typing import TYPE_CHECKING, Final

from application.ports.clock import Clock
from application.ports.errors import NotUsable
from application.ports.media_files import MediaFiles
from application.ports.messenger import Messenger
from application.ports.phone_seal import PhoneSeal
from application.ports.records import Records
from application.sign_in.senders import AnyOf, Senders
from application.use_cases import UseCases
from application.wiring import Ports, Rules, wire
from domain.media.picture import PictureLimits
from entrypoints.keys import check_keys_are_not_gone
from entrypoints.own_adapters import StartRefused, open_own, probe_of
from entrypoints.settings import Settings
from entrypoints.settings.kinds import (
    Factory,
    MediaFolder,
    MongoDatabase,
    S3Bucket,
    Sender,
    SqliteDatabase,
)

if TYPE_CHECKING:
    from adapters.secrets_file import Secret

ISSUER: Final = "dialtone"
"""Issuer and audience of our tokens: the keys tell deployments apart."""


@asynccontextmanager
async def open_use_cases(settings: Settings) -> AsyncIterator[UseCases]:
    """Open everything that the settings name; all of it is closed at the end of the block.

    Makes what is missing: keys (in development), the database and its newest form, the folder.

    Raises:
        StartRefused: something of it cannot be used.
    """
    from adapters.jwt import JwtAccessTokens
    from adapters.pillow import open_pillow_pictures
    from adapters.sealing import AesPhoneSeal
    from adapters.secrets_file import FilePeppers, load_or_make_secrets
    from adapters.system import SystemClock, SystemRandomness

    clock, randomness = SystemClock(), SystemRandomness()
    async with AsyncExitStack() as stack:
        with _naming("DIALTONE_SECRETS"):
            if settings.secrets.may_make:
                check_keys_are_not_gone(settings.database, settings.secrets.path)
            secrets = load_or_make_secrets(
                settings.secrets.path, may_make=settings.secrets.may_make
            )
        seal = AesPhoneSeal(secrets.index_key.key, _by_id(secrets.seal_keys), randomness)
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
        yield wire(
            Ports(
                records=records,
                media_files=files,
                media_probe=probe_of(files),
                messenger=Senders(senders),
                messenger_probe=AnyOf([probe_of(one) for one in senders]),
                pictures=pictures,
                tokens=JwtAccessTokens(
                    _by_id(secrets.signing_keys), issuer=ISSUER, audience=ISSUER
                ),
                peppers=FilePeppers(secrets.peppers),
                clock=clock,
                randomness=randomness,
            ),
            Rules(
                app_name=settings.app_name,
                countries=settings.countries,
                lifetimes=settings.token_lifetimes,
                send_limits=settings.send_limits,
                shared_limits=settings.shared_limits,
            ),
        )


def _records(settings: Settings, seal: PhoneSeal) -> AbstractAsyncContextManager[Records]:
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
    except NotUsable as error:
        raise StartRefused(f"{variable}: {error}") from error


def _by_id(secrets: "Sequence[Secret]") -> list[tuple[str, bytes]]:
    return [(secret.id, secret.key) for secret in secrets]
