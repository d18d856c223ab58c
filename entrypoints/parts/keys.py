"""The keys, and the encryption of phones."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters.databases.records.phone_encryption import PhoneEncryption
from application.ports.errors import ConfigurationError, PortError
from application.ports.keys import KeyPurpose
from application.ports.system import Clock
from entrypoints.parts.missing_data import check_secrets_file_not_lost
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import StartupError
from entrypoints.settings.values import Environment

if TYPE_CHECKING:
    from adapters.security.keys.keys import SecretKeys

_PROBLEM: Final = (
    "the secrets file is older, missing or invalid, and the keys that were loaded before are used:"
    " the line secrets_reload_failed says why"
)
AUDIENCE: Final = "dialtone"
"""The audience of access tokens; their issuer distinguishes deployments."""


class KeysUnavailable(StartupError):
    """The keys cannot be used now, but may be repaired later."""


def load_keys(settings: Settings, clock: Clock, *, is_service: bool = False) -> "SecretKeys":
    """Load the keys. Keys of a file change with the file.

    The service creates missing keys in development, and checks all in production. A job of root
    uses the file of the service's user.
    """
    from adapters.security.keys.keys import ReloadingKeys, SecretKeys, parse_secrets

    is_strict = is_service and settings.env is Environment.PRODUCTION
    create_missing = is_service and not is_strict
    if text := settings.secrets.value:
        with _name_variable("DIALTONE_SECRETS"):
            return SecretKeys(parse_secrets(text, is_strict=is_strict).keys, clock)
    with _name_variable("DIALTONE_SECRETS_FILE"):
        if create_missing:
            check_secrets_file_not_lost(settings.database, settings.secrets_file)
        return ReloadingKeys(
            settings.secrets_file, clock, create_missing=create_missing, is_strict=is_strict
        )


def make_phone_encryption(keys: "SecretKeys") -> PhoneEncryption:
    """Return the encryption of phones."""
    from adapters.operations.system import SystemRandomness
    from adapters.security.encryption import AesPhoneEncryption

    (key,) = keys.current()[KeyPurpose.PHONE_INDEX]
    return AesPhoneEncryption(key.key, keys.encryption_keys(), SystemRandomness())


def find_key_fingerprint(settings: Settings) -> str | None:
    """Return the fingerprint of the keys; None without usable keys."""
    encryption = load_encryption(settings)
    return encryption.key_fingerprint() if encryption else None


def load_encryption(settings: Settings) -> PhoneEncryption | None:
    """Return the encryption of phones; None without usable keys."""
    from adapters.operations.system import SystemClock

    try:
        return make_phone_encryption(load_keys(settings, SystemClock()))
    except StartupError:
        return None


def variable_of_keys(settings: Settings) -> str:
    """Return the name of the variable with the keys, or with the path of their file."""
    return "DIALTONE_SECRETS" if settings.secrets.value else "DIALTONE_SECRETS_FILE"


@dataclass(frozen=True, slots=True)
class KeysHealthCheck:
    """Whether the secrets file can be used as it is now. So an idle process looks at it too.

    Without it the keys that were loaded stay in use, and requests are served.
    """

    keys: "SecretKeys"

    async def check(self) -> None:
        self.keys.current()
        if self.keys.problem is not None:
            raise PortError(_PROBLEM)


def describe_place(settings: Settings) -> str:
    """Return where the keys are, in words."""
    if settings.secrets.value:
        return "the value of DIALTONE_SECRETS"
    return f"the secrets file {settings.secrets_file.absolute()}"


@contextmanager
def _name_variable(variable: str) -> Iterator[None]:
    try:
        yield
    except ConfigurationError as error:
        raise KeysUnavailable(f"{variable}: {error}") from error
    except StartupError as error:
        raise KeysUnavailable(str(error)) from error
