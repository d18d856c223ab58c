"""`dialtone keys`."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from entrypoints.commands.command import Group

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings

keys: Final = Group(
    "keys",
    help="Generate or rotate keys, or encrypt all stored phones with the current one.",
    examples=["generate /etc/dialtone/secrets.json", "rotate", "reencrypt-phones"],
)


# It helps where the settings are not valid yet.
@keys.command(examples=["/etc/dialtone/secrets.json", "-"], reads_settings=False)
@click.argument(
    "file", metavar="FILE", help="The file to create; - prints the keys for DIALTONE_SECRETS."
)
def generate(file: str) -> Iterator[str]:
    """Create a secrets file with new keys. An existing file is never changed."""
    from adapters.keys.document import generate_document
    from adapters.keys.keys import generate_secrets_file
    from entrypoints.commands.parsing import parse_file

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


@keys.command(examples=["", "--after 1h"])
@click.option(
    "--after",
    metavar="DURATION",
    default="1m",
    help="Use the new keys after this time, from 1m (default) to 30d; it has to be longer than "
    "copying the secrets file to other machines takes.",
)
def rotate(settings: "Settings", after: str) -> Iterator[str]:
    """Add new keys to the secrets file. The old keys stay valid as long as they are needed."""
    from domain.errors import InvalidValue
    from entrypoints.commands.key_jobs import rotate_keys
    from entrypoints.opening.startup_error import InvalidArgument
    from entrypoints.settings.parsers import duration

    try:
        delay = duration("1m", "30d")(after)
    except InvalidValue as error:
        raise InvalidArgument(f"--after: {error.message}") from None
    for rotated in rotate_keys(settings, delay):
        yield (
            f"{rotated.purpose}: {rotated.key_id} is accepted now and used from "
            f"{rotated.not_before:%Y-%m-%dT%H:%M:%SZ} on; older keys: {rotated.kept} kept, "
            f"{rotated.removed} removed"
        )


@keys.command("reencrypt-phones", examples=[""])
def reencrypt(settings: "Settings") -> Iterator[str]:
    """Encrypt all stored phones with the current key. Safe while the service runs."""
    import asyncio

    from entrypoints.commands.key_jobs import reencrypt_phones
    from entrypoints.commands.progress import ProgressLine

    count, unused = asyncio.run(reencrypt_phones(settings, ProgressLine()))
    yield f"phones encrypted again: {count}"
    yield f"keys of phone_encryption that no record uses anymore: {', '.join(unused) or 'none'}"
