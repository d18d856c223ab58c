"""Keys, and the tokens that they sign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol


class KeyPurpose(StrEnum):
    """What keys are for; the value is the name of their list in the secrets file."""

    OTP_PEPPER = "otp_pepper"
    SIGNING = "signing"
    REFRESH = "refresh"
    PHONE_INDEX = "phone_index"
    PHONE_ENCRYPTION = "phone_encryption"


@dataclass(frozen=True, slots=True)
class Key:
    """A key. Its repr hides the bytes. A key that signs access tokens is a PEM."""

    id: str
    not_before: datetime
    key: bytes = field(repr=False)


KEY_ID_LENGTH: Final = 8


class KeyRing(Protocol):
    """The keys for one purpose. They may change while the service runs.

    Code that signs, derives or encrypts asks for the keys each time. The keys that authenticate
    refresh tokens, and the peppers that codes are derived with, are secret keys of an HMAC
    (SHA-256).
    """

    def signing(self) -> Key:
        """Return the key for new data: the newest whose `not_before` passed, or the oldest."""
        ...

    def accepted(self) -> Sequence[Key]:
        """Return all accepted keys, newest first; the same object while none changes."""
        ...


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half of a key that signs access tokens: a point on P-256, 32 bytes each."""

    id: str
    x: bytes
    y: bytes


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """The claims of an access token.

    `generation` is that of the refresh tokens of its session. Without refresh tokens it is None,
    and the token is long-lived.

    `authenticated_at` is when the session was opened, None if the token does not say it.

    `amr` is how the owner of the session signed in (RFC 8176); empty if it is not known.

    `of_extensions` are JSON objects by the names of extensions: the claim `x` of a token, for those
    who verify it elsewhere. `of_app` is what the app's backend says of user and session: the claim
    `app`. `verify` leaves these four out.
    """

    identity_id: str
    session_id: str
    issued_at: datetime
    expires_at: datetime
    generation: int | None = None
    authenticated_at: datetime | None = None
    amr: Sequence[str] = ()
    of_extensions: Mapping[str, Mapping[str, Any]] | None = None
    of_app: Mapping[str, Any] | None = None


class AccessTokens(Protocol):
    """Signed tokens that a client sends with each request, and the keys that verify them."""

    def issue(self, claims: TokenClaims) -> str:
        """Sign the claims; for a long-lived token with a key that is not published."""
        ...

    def verify(self, token: str, now: datetime) -> TokenClaims:
        """Return the claims of a token that one of our keys signed and that has not expired.

        Raises:
            InvalidToken
        """
        ...

    def list_published(self) -> Sequence[PublicKey]:
        """Return all accepted keys of short-lived tokens, newest first (RFC 7517).

        - A key is published before it signs: clients that keep the set for a while have it by then.
        - A key that is not published anymore has signed nothing that is still valid.
        """
        ...
