"""The commands of keys."""

import asyncio
import os
from argparse import Namespace
from collections.abc import Iterable

from domain.errors import InvalidValue
from entrypoints.commands import key_jobs
from entrypoints.commands.parsing import parse_file
from entrypoints.commands.progress import ProgressLine
from entrypoints.opening.startup_error import InvalidArgument
from entrypoints.settings.parsers import duration
from entrypoints.settings.settings import Settings


def generate_keys(arguments: Namespace) -> Iterable[str]:
    """Create a secrets file, or print new keys as one line. It needs no settings."""
    from adapters.keys.document import generate_document
    from adapters.keys.keys import generate_secrets_file

    if arguments.file == "-":
        yield generate_document(indent=None).rstrip()
        return
    path = parse_file(arguments.file).absolute()
    generate_secrets_file(path)
    yield f"{path} has new keys. Only its owner (uid {os.geteuid()}) can read it."
    yield f"Next: start the service as this user with DIALTONE_SECRETS_FILE={path}"
    if os.geteuid() == 0:
        yield f"If the service runs as another user: chown USER {path}"
    yield "Store a copy of the file apart from the database: without it no phone can be read."


def rotate_keys(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Add new keys to the secrets file."""
    try:
        delay = duration("1m", "30d")(arguments.after)
    except InvalidValue as error:
        raise InvalidArgument(f"--after: {error.message}") from None
    return [
        f"{rotated.purpose}: {rotated.key_id} is accepted now and used from "
        f"{rotated.not_before:%Y-%m-%dT%H:%M:%SZ} on; older keys: {rotated.kept} kept, "
        f"{rotated.removed} removed"
        for rotated in key_jobs.rotate_keys(settings, delay)
    ]


def reencrypt_phones(settings: Settings, _: Namespace) -> Iterable[str]:
    """Encrypt all stored phones with the current key."""
    count, unused = asyncio.run(key_jobs.reencrypt_phones(settings, ProgressLine()))
    yield f"phones encrypted again: {count}"
    yield f"keys of phone_encryption that no record uses anymore: {', '.join(unused) or 'none'}"
