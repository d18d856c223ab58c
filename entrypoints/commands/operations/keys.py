"""`dialtone keys`: create and rotate the keys, and encrypt phones with the current one."""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC
from typing import Final

import click

from adapters.databases.records import phone_keys
from adapters.databases.records.newest_key import record_newest_key
from adapters.databases.records.undeclared_records import check_declared
from adapters.operations.system import SystemClock
from adapters.security.keys.document import generate_document
from adapters.security.keys.keys import generate_secrets_file
from adapters.security.keys.rotation import rotate_secrets_file
from entrypoints.commands.operations.key_states import key_lifetimes
from entrypoints.commands.shared.command import CommandGroup
from entrypoints.commands.shared.parsing import name_option, parse_file
from entrypoints.commands.shared.progress import show_progress
from entrypoints.parts.database import open_database
from entrypoints.parts.keys import load_keys, make_phone_encryption
from entrypoints.parts.missing_data import check_keys_exist
from entrypoints.settings.parsers import duration
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import CommandError, StartupError, name_variable

keys: Final = CommandGroup(
    "keys",
    help="Create or rotate the keys, or encrypt phones with the current one.",
    examples=["generate /etc/dialtone/secrets.json", "rotate", "reencrypt-phones"],
)


# It helps where the settings are not valid yet.
@keys.command(examples=["/etc/dialtone/secrets.json", "-"], reads_settings=False)
@click.argument("file", help="The file to create; - prints the keys for DIALTONE_SECRETS.")
def generate(file: str) -> Iterator[str]:
    """Create a secrets file with new keys. An existing file is never changed."""
    if file == "-":
        yield generate_document(indent=None).rstrip()
        return
    path = parse_file(file).absolute()
    generate_secrets_file(path)
    yield f"{path} has new keys. Only its owner (uid {os.geteuid()}) can read it."
    yield f"Next: start the service as this user with DIALTONE_SECRETS_FILE={path}"
    if os.geteuid() == 0:
        yield f"If the service runs as another user: chown USER {path}"
    yield "Store a copy of the file apart from the database: without it no phone can be read."


@keys.command(examples=["", "--after 1h"], needs_data=False)  # of the keys only
@click.option(
    "--after",
    metavar="DURATION",
    default="1m",
    help="Use the new keys after this time, from 1m (default) to 30d; it has to be longer than "
    "copying the secrets file to other machines takes.",
)
def rotate(settings: Settings, after: str) -> Iterator[str]:
    """Add new keys to the secrets file. The old keys stay valid as long as they are needed."""
    with name_option("--after"):
        delay = duration("1m", "30d")(after)
    if settings.secrets.value:
        raise StartupError(
            "DIALTONE_SECRETS: no command can change an environment variable. Write its value to "
            "a file (mode 600), run this command with DIALTONE_SECRETS_FILE=FILE instead of "
            "DIALTONE_SECRETS, set DIALTONE_SECRETS to the new text of the file, and restart all "
            "instances. See docs/keys.md."
        )
    check_keys_exist(settings)
    with name_variable("DIALTONE_SECRETS_FILE"):
        lifetimes = key_lifetimes(settings)
        rotated_keys = rotate_secrets_file(
            settings.secrets_file, SystemClock().now(), lifetimes, delay=delay
        )
    for rotated in rotated_keys:
        yield (
            f"{rotated.purpose}: {rotated.key_id} is accepted now and used from "
            f"{rotated.not_before:%Y-%m-%dT%H:%M:%SZ} on; older keys: {rotated.kept} kept, "
            f"{rotated.removed} removed"
        )


@keys.command(examples=[""])
def reencrypt_phones(settings: Settings) -> Iterator[str]:
    """Encrypt all stored phones with the current key. Safe while the service runs.

    After a kill, the next run goes on. It fails while a newer key is not active yet.
    """
    clock = SystemClock()
    loaded = load_keys(settings, clock)
    key_set = loaded.encryption_keys()
    # Before the job: a key that becomes active meanwhile is used by the records after it only.
    current, now = key_set.signing(), clock.now()
    newest = max(key_set.accepted(), key=lambda key: key.not_before)
    older = [key for key in key_set.accepted() if key.not_before <= now and key.id != current.id]
    active_at = f"{newest.not_before.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    not_active = CommandError(
        f"The key {newest.id} of phone_encryption is not active before {active_at}: run this "
        "command again after that."
    )
    is_pending = newest.not_before > now
    if is_pending and not older:  # there is nothing to do
        raise not_active
    encryption = make_phone_encryption(loaded)

    async def reencrypt_all() -> int:
        count = 0
        async with open_database(settings, encryption) as database:
            await record_newest_key(database.newest_key, loaded.encryption_keys())
            await check_declared(database.records)
            with show_progress() as show:
                # The last time nothing is found: no service has written an old one meanwhile.
                while found := await phone_keys.reencrypt_phones(
                    database.records, encryption, show
                ):
                    count += found
        return count

    with name_variable(settings.variable_of("DIALTONE_DATABASE")):
        count = asyncio.run(reencrypt_all())
    yield f"phones encrypted again: {count}"
    unused = [key.id for key in older if key.not_before < current.not_before]
    yield f"keys of phone_encryption that no record uses anymore: {', '.join(unused) or 'none'}"
    if is_pending:
        raise not_active
