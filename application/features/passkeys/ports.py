"""The ports of passkeys: what browsers and authenticators are asked, and how it is verified."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from application.ports.versioned import ExpiringRecords
from domain.features.passkeys import UsedPasskeyChallenge


class InvalidPasskeyResponse(Exception):
    """A response proves nothing. The text says why, for operators: no secret, no phone number."""


@dataclass(frozen=True, slots=True)
class CreatedCredential:
    """A credential that an authenticator made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a response says of itself. Nothing of it is proved before `verify_assertion`.

    Attributes:
        user_handle: Whose credential it is.
        credential_id: Which one.
        challenge: What it signed.
    """

    user_handle: str
    credential_id: bytes
    challenge: bytes


class RelyingParty(Protocol):
    """This service, as authenticators see it (WebAuthn).

    The user is verified: options ask for it, and no response without it is valid.
    """

    @property
    def rp_id(self) -> str:
        """The host name, or a domain above it, that its credentials belong to."""
        ...

    def creation_options(
        self, user_handle: str, name: str, challenge: bytes, known: Sequence[bytes]
    ) -> str:
        """Return what `navigator.credentials.create` gets, as JSON.

        Args:
            user_handle: Whose credential it is. An authenticator has one for each.
            name: What the authenticator shows.
            challenge: What it signs.
            known: The credentials that the identity has: their authenticators make no other.
        """
        ...

    def request_options(self, challenge: bytes) -> str:
        """Return what `navigator.credentials.get` gets, as JSON: any discoverable one."""
        ...

    def read_creation(self, response: str) -> bytes:
        """Return the challenge of a response to `create`, which is not verified.

        Raises:
            InvalidPasskeyResponse
        """
        ...

    def read_assertion(self, response: str) -> Assertion:
        """Return what a response to `get` says of itself.

        Raises:
            InvalidPasskeyResponse
        """
        ...

    def verify_creation(self, response: str, challenge: bytes) -> CreatedCredential:
        """Verify a response to `create`. Who made the authenticator is not verified.

        The key can be used: it can be built, and fits its algorithm.

        Raises:
            InvalidPasskeyResponse
        """
        ...

    def verify_assertion(self, response: str, challenge: bytes, public_key: bytes) -> int:
        """Verify a response to `get`, and return its sign count, which the caller judges.

        Raises:
            InvalidPasskeyResponse
        """
        ...


@dataclass(frozen=True, slots=True)
class PasskeyRepositories:
    """The repositories of passkeys, beside those in identities."""

    used_challenges: ExpiringRecords[UsedPasskeyChallenge]
