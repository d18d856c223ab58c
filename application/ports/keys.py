"""Keys, and the tokens that they sign."""

import hashlib
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
KEY_LOAD_TIMEOUT: Final = 10.0
"""Seconds for one call of a key source."""


def make_key_id(name: str) -> str:
    """Return the id of a key that has a longer name elsewhere, such as a version of a secret."""
    return hashlib.sha256(name.encode()).hexdigest()[:KEY_ID_LENGTH]


class KeySource(Protocol):
    """A KMS or a vault that hands out the keys.

    Each worker and each command loads them at its start, and a worker every 30 seconds again. The
    keys stay in its memory: they sign and decrypt there.
    """

    async def load(self) -> Mapping[KeyPurpose, Sequence[Key]]:
        """Return all keys that are accepted now, in any order.

        - Each purpose has at least one key, `phone_index` exactly one; two while the index key is
          changed by `dialtone rotate-index-key`.
        - An id has `KEY_ID_LENGTH` hex digits in lower case, is unique for its purpose, and always
          means the same key. A key of a long name gets an id by `make_key_id`.
        - `not_before` has a time zone. It is when the key was made, or may begin to sign.
        - A key for `signing` is a private key on P-256 in PEM (PKCS #8), without a password. The
          others are random bytes: 32 for `phone_encryption`, at least 32 for all others.
        - The keys are those of now: nothing is returned that an earlier call has got. A key that is
          new, changed or removed there is so in the next result.
        - Keys that could not be read are an error. A part of them would reject valid tokens.
        - It ends within `KEY_LOAD_TIMEOUT`, and does not block the event loop meanwhile.
        - No error and no `repr` has a key, or the credential that reads them.

        Raises:
            KeySourceUnavailable: They cannot be read now. The reason has no secret.
        """
        ...


class KeyRing(Protocol):
    """The keys for one purpose. They may change while the service runs.

    Whatever signs, derives or encrypts asks for the keys each time. The keys that authenticate
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

    `of_extensions` are JSON objects by the names of extensions: the claim `x` of a token, for those
    who verify it elsewhere. `of_app` is what the app's backend says of user and session: the claim
    `app`. `verify` leaves both out.
    """

    identity_id: str
    session_id: str
    issued_at: datetime
    expires_at: datetime
    generation: int | None = None
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
