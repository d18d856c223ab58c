"""Parsers of the settings of HTTP hooks, and what is shown of their URLs.

The rules of their URLs are also those of other URLs that get secrets.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, TypeVar
from urllib.parse import urlsplit

from entrypoints.settings.parsers import list_of, rejects_with
from entrypoints.settings.values import HttpHook, Secret

LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "::1")
MIN_SECRET_BYTES: Final = 24
"""https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
_MAX_SECRETS: Final = 2
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 -- it is the same in all secrets
SECRET_EXAMPLE: Final = '"whsec_$(openssl rand -base64 32)"'  # noqa: S105 -- the command makes it
"""A command, because a secret that is printed here would be used."""
_URL: Final = re.compile(r"https?://(?:(?!#)[!-~])+", re.IGNORECASE)

T = TypeVar("T")


def find_hook(text: str) -> HttpHook | None:
    """Return the hook that a text names, None if it is no URL.

    Raises:
        InvalidValue: The URL cannot be that of a hook.
    """
    return _parse_hook(text) if text.lower().startswith(("http:", "https:")) else None


@rejects_with(
    "The URL of a hook must begin with https://, or with http:// on this machine, and have ASCII "
    "characters only, no password and no #; a comma is written %2C."
)
def _parse_hook(text: str) -> HttpHook:
    parts = urlsplit(parse_private_url(text))
    if "," in text:  # two URLs, where one is expected
        raise ValueError
    return HttpHook(text, f"{parts.scheme}://{parts.netloc.lower()}")


def parse_private_url(text: str) -> str:
    """Parse a URL to which nobody else can read the requests: https, or http on this machine.

    Raises:
        ValueError: It is another URL, or none.
    """
    parts = urlsplit(text)
    is_private = parts.scheme == "https" or parts.hostname in LOOPBACK_HOSTS
    if not _URL.fullmatch(text) or not parts.hostname or not is_private:
        raise ValueError
    if parts.port == 0 or "@" in parts.netloc:
        raise ValueError
    return text


def number_hooks(values: Iterable[T | HttpHook]) -> Iterator[T | HttpHook]:
    """Yield the values with a name of its own for each hook: the second of a host has a 2."""
    counts: dict[str, int] = {}
    for value in values:
        if not isinstance(value, HttpHook):
            yield value
            continue
        counts[value.name] = count = counts.get(value.name, 0) + 1
        yield replace(value, name=f"{value.name} ({count})") if count > 1 else value


@rejects_with(
    f"Must be {_SECRET_PREFIX} and Base64 of at least {MIN_SECRET_BYTES} random bytes; two, with a "
    "comma between, while you replace it."
)
def parse_hook_secrets(text: str) -> Secret[tuple[str, ...]]:
    """Parse the secrets of Standard Webhooks, of which one is about to be replaced."""
    secrets = list_of(_parse_secret)(text)
    if len(secrets) > _MAX_SECRETS:
        raise ValueError
    return Secret(secrets)


def _parse_secret(text: str) -> str:
    encoded = text.removeprefix(_SECRET_PREFIX).rstrip("=")
    padding = "=" * (-len(encoded) % 4)
    if len(base64.b64decode(encoded + padding, validate=True)) < MIN_SECRET_BYTES:
        raise ValueError
    return text
