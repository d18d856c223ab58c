"""Parsers of what a setting names: something that is shipped, an HTTP hook, or a factory."""

import base64
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from entrypoints.settings.database_parsers import find_factory
from entrypoints.settings.parsers import list_of, rejects_with, split_url
from entrypoints.settings.values import HttpHook, origin_of

LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "::1")
MIN_SECRET_BYTES: Final = 24
"""https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 -- it is the same in all secrets
SECRET_EXAMPLE: Final = '"whsec_$(openssl rand -base64 32)"'  # noqa: S105 -- the command makes it
"""A command, because a secret that is printed here would be used."""


def one_of(shipped: Mapping[str, Any], *, may_be_hook: bool = False) -> Callable[[str], Any]:
    """Return a parser of a name that stands for something shipped, or of a factory or hook."""
    others = ["the https:// URL of a hook"] if may_be_hook else []

    @rejects_with(f"Must be {', '.join([*shipped, *others])} or package.module:factory.")
    def parse(text: str) -> Any:
        if text.lower() in shipped:
            return shipped[text.lower()]
        if may_be_hook and text.lower().startswith(("http:", "https:")):
            return parse_hook(text)
        if factory := find_factory(text):
            return factory
        raise ValueError

    return parse


def several_of(shipped: Mapping[str, Any], *, once: str) -> Callable[[str], tuple[Any, ...]]:
    """Return a parser of a list as `one_of`. The name of the second hook of a host has a 2."""
    parse_all = list_of(one_of(shipped, may_be_hook=True), once=once)

    def parse(text: str) -> tuple[Any, ...]:
        values, counts = list(parse_all(text)), Counter[str]()
        for position, value in enumerate(values):
            counts[str(value)] += 1
            if (count := counts[str(value)]) > 1:  # others are different
                values[position] = replace(value, name=f"{value.name} ({count})")
        return tuple(values)

    return parse


def parse_hook(text: str) -> HttpHook:
    """Parse the URL of a hook."""
    return HttpHook(parse_private_url(text), origin_of(text))


@rejects_with(
    "A URL must begin with https://, or with http:// on this machine, and have ASCII characters "
    "only, no password and no #; a comma is written %2C."
)
def parse_private_url(text: str) -> str:
    """Parse a URL to which nobody else can read the requests: https, or http on this machine."""
    parts = split_url(text, without="#,")
    if parts.scheme != "https" and parts.hostname not in LOOPBACK_HOSTS:
        raise ValueError
    return text


@rejects_with(f"Must be {_SECRET_PREFIX} and Base64 of at least {MIN_SECRET_BYTES} random bytes.")
def parse_secret(text: str) -> str:
    """Parse a secret of Standard Webhooks."""
    encoded = text.removeprefix(_SECRET_PREFIX).rstrip("=")
    padding = "=" * (-len(encoded) % 4)
    if len(base64.b64decode(encoded + padding, validate=True)) < MIN_SECRET_BYTES:
        raise ValueError
    return text
