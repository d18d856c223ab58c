"""From settings to use cases: the only place that knows every adapter.

Each technology's room is imported only where the settings pick it.
"""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

from application.ports.phone_seal import PhoneSeal
from application.ports.records import Records
from application.use_cases import UseCases
from application.wiring import Ports, Rules, wire
from domain.media.picture import PictureLimits
from entrypoints.settings import Settings
from entrypoints.settings.kinds import SqliteDatabase

if TYPE_CHECKING:
    from adapters.secrets_file import Secret

ISSUER: Final = "dialtone"
"""Issuer and audience of our tokens: the keys tell deployments apart."""


class StartRefused(Exception):
    """The service cannot start; the text is one line for the operator, with the way out."""


@asynccontextmanager
async def open_use_cases(settings: Settings) -> AsyncIterator[UseCases]:
    """Open everything that the settings name; all of it is closed at the end of the block.

    Makes what is missing: keys (in development), the database and its newest form, the folder.

    Raises:
        StartRefused: something of it cannot be used.
    """
    from adapters.console import ConsoleMessenger
    from adapters.disk import MediaFolderNotUsable, open_disk_files
    from adapters.jwt import JwtAccessTokens
    from adapters.pillow import open_pillow_pictures
    from adapters.sealing import AesPhoneSeal
    from adapters.secrets_file import FilePeppers, SecretsNotUsable, load_or_make_secrets
    from adapters.sqlite import DatabaseNotUsable
    from adapters.system import SystemClock, SystemRandomness

    clock, randomness = SystemClock(), SystemRandomness()
    async with AsyncExitStack() as stack:
        try:
            secrets = load_or_make_secrets(
                settings.secrets.path, may_make=settings.secrets.may_make
            )
            seal = AesPhoneSeal(secrets.index_key.key, _by_id(secrets.seal_keys), randomness)
            records = await stack.enter_async_context(_records(settings.database, seal))
            files = await stack.enter_async_context(
                open_disk_files(settings.media.path, _media_url(settings), clock)
            )
        except (SecretsNotUsable, DatabaseNotUsable, MediaFolderNotUsable) as error:
            raise StartRefused(str(error)) from error
        limits = PictureLimits(
            pixels=settings.picture_pixels,
            frames=settings.picture_frames,
            all_pixels=max(settings.picture_pixels, PictureLimits().all_pixels),
        )
        pictures = await stack.enter_async_context(open_pillow_pictures(limits))
        messenger = ConsoleMessenger(sys.stdout)
        yield wire(
            Ports(
                records=records,
                media_files=files,
                media_probe=files,
                messenger=messenger,
                messenger_probe=messenger,
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
                token_lifetime=settings.plain_token_ttl,
            ),
        )


def _records(database: SqliteDatabase, seal: PhoneSeal) -> AbstractAsyncContextManager[Records]:
    match database:
        case SqliteDatabase(path=path):
            from adapters.sqlite import open_sqlite_records

            return open_sqlite_records(path, seal)


def _by_id(secrets: "Sequence[Secret]") -> list[tuple[str, bytes]]:
    return [(secret.id, secret.key) for secret in secrets]


def _media_url(settings: Settings) -> str:
    return settings.media_public_url or f"{settings.public_url}/media"
