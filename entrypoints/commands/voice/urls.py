"""The URLs of calls that the service signs, because the provider does not."""

from application.voice.call_urls import CallUrls
from entrypoints.opening.keys import load_encryption
from entrypoints.opening.startup_error import StartupError
from entrypoints.settings.settings import Settings


def sign_urls(settings: Settings) -> CallUrls:
    """Return the URLs with a signature.

    Raises:
        StartupError: There are no keys.
    """
    encryption = load_encryption(settings)
    if encryption is None:
        raise StartupError(
            "The provider does not sign URLs, so they have a signature of the service, which needs "
            "its keys: see the line of the keys. The first start in development creates them."
        )
    return CallUrls(settings.public_url, encryption)
