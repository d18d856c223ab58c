"""What passkeys add to the HTTP application."""

from types import MappingProxyType

from domain.errors import PasskeyRequired, ReauthenticationRequired
from entrypoints.http.features.passkeys.errors import ERRORS
from entrypoints.http.plugin import ApiPlugin


class PasskeysPlugin(ApiPlugin):
    """The errors of passkeys. What needs a role may need a passkey."""

    errors = ERRORS
    related_errors = MappingProxyType({ReauthenticationRequired: (PasskeyRequired,)})
