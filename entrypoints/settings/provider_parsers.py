"""Parsers of the settings that name providers of messages and calls."""

from collections.abc import Sequence
from typing import TypeVar

from domain.errors import InvalidValue
from entrypoints.opening.providers import (
    PHONE_PROVIDERS,
    PROVIDERS,
    PhoneProvider,
    Provider,
    provider_name,
)
from entrypoints.settings.hook_parsers import find_hook, number_hooks
from entrypoints.settings.parsers import list_of, rejects_with
from entrypoints.settings.services import find_factory
from entrypoints.settings.values import Factory, HttpHook

P = TypeVar("P", bound=Provider)


def parse_sms(text: str) -> tuple[Provider | Factory | HttpHook, ...]:
    """Parse providers in the order in which they are tried."""
    providers = list_of(_parse_provider)(text)
    if len(set(providers)) < len(providers):
        raise InvalidValue("Must name each provider once.")
    return tuple(number_hooks(providers))


@rejects_with(
    f"Must be {', '.join(known.name for known in PHONE_PROVIDERS)}, none or package.module:factory."
)
def parse_voice(text: str) -> PhoneProvider | Factory | None:
    """Parse the provider that places and answers calls, or `none`."""
    if text.lower() == provider_name(None):
        return None
    return find_factory(text) or _parse_shipped(text, PHONE_PROVIDERS)


@rejects_with(
    f"Must be {', '.join(known.name for known in PROVIDERS)}, the https:// URL of a hook, or "
    "package.module:factory."
)
def _parse_provider(text: str) -> Provider | Factory | HttpHook:
    return find_hook(text) or find_factory(text) or _parse_shipped(text, PROVIDERS)


def _parse_shipped(text: str, providers: Sequence[P]) -> P:
    for provider in providers:
        if provider.name == text.lower():
            return provider
    raise ValueError
