"""Parser of the setting that names providers of messages."""

from domain.errors import InvalidValue
from entrypoints.opening.providers import PROVIDERS, Provider
from entrypoints.settings.database_parsers import find_factory
from entrypoints.settings.hook_parsers import find_hook, number_hooks
from entrypoints.settings.parsers import list_of, rejects_with
from entrypoints.settings.values import Factory, HttpHook


def parse_sms(text: str) -> tuple[Provider | Factory | HttpHook, ...]:
    """Parse providers in the order in which they are tried."""
    providers = list_of(_parse_provider)(text)
    if len(set(providers)) < len(providers):
        raise InvalidValue("Must name each provider once.")
    return tuple(number_hooks(providers))


@rejects_with(
    f"Must be {', '.join(known.name for known in PROVIDERS)}, the https:// URL of a hook, or "
    "package.module:factory."
)
def _parse_provider(text: str) -> Provider | Factory | HttpHook:
    return find_hook(text) or find_factory(text) or _parse_shipped(text)


def _parse_shipped(text: str) -> Provider:
    for provider in PROVIDERS:
        if provider.name == text.lower():
            return provider
    raise ValueError
