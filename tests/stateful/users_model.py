"""A model of identities, users and usernames. All times are seconds."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from domain.phone import PhoneNumber

DAY: Final = 24 * 60 * 60
USERNAME_RESERVATION: Final = 30 * DAY
TOKEN_TTL: Final = 90 * DAY
MAX_SESSIONS: Final = 20


def key_of(username: str) -> str:
    """Return the comparison form of a nickname (RFC 8266), for the characters of these names."""
    return unicodedata.normalize("NFKC", username.lower())


def is_same_name(first: str, second: str) -> bool:
    """Return whether two names are one for their owner, as RFC 8266 or earlier versions say."""
    return key_of(first) == key_of(second) or first.casefold() == second.casefold()


def add_session(sessions: Mapping[str, float], token: str, now: float) -> dict[str, float]:
    """Return the active sessions with another one, without the oldest of more than twenty."""
    active = [(other, at) for other, at in sessions.items() if now - at < TOKEN_TTL]
    return dict([*active, (token, now)][-MAX_SESSIONS:])


class Outcome(Enum):
    """What creating or renaming a user leads to: a status and a code."""

    CREATED = (201, None)
    RENAMED = (200, None)
    PHONE_MISMATCH = (403, "phone_mismatch")
    REAUTHENTICATION_REQUIRED = (403, "reauthentication_required")
    USER_NOT_FOUND = (404, "user_not_found")
    PHONE_IN_USE = (409, "phone_in_use")
    USERNAME_IN_USE = (409, "username_in_use")


@dataclass(eq=False)
class ModelIdentity:
    """An identity. Its id is unknown until a response has it."""

    phone: PhoneNumber
    id: str | None = None
    username: str | None = None
    is_administrator: bool = False
    deleted_at: float | None = None
    sessions: dict[str, float] = field(default_factory=dict)

    def has_recent_login(self, token: str, now: float) -> bool:
        """Return whether the session of a token is younger than a day."""
        return now - self.sessions[token] < DAY


@dataclass
class UsersModel:
    """All identities, also deleted ones."""

    identities: list[ModelIdentity] = field(default_factory=list)

    def find_by_phone(self, phone: PhoneNumber) -> ModelIdentity | None:
        """Return the identity that has this phone."""
        found = [each for each in self.identities if each.phone == phone]
        return next((each for each in found if each.deleted_at is None), None)

    def find_or_add(self, phone: PhoneNumber) -> ModelIdentity:
        """Return the identity that has this phone, a new one if there is none."""
        identity = self.find_by_phone(phone)
        if identity is None:
            identity = ModelIdentity(phone)
            self.identities.append(identity)
        return identity

    def authenticate(self, token: str, now: float) -> ModelIdentity | None:
        """Return the identity of an active session's token."""
        for identity in self.identities:
            if token in identity.sessions and now - identity.sessions[token] < TOKEN_TTL:
                return identity
        return None

    def add_session(self, phone: PhoneNumber, token: str, now: float) -> None:
        """Add a session of a phone."""
        identity = self.find_or_add(phone)
        identity.sessions = add_session(identity.sessions, token, now)

    def is_available(self, username: str, identity: ModelIdentity | None, now: float) -> bool:
        """Return whether the identity may have the username.

        Nobody else may have its key, or the key that earlier versions derived.
        """
        if identity is not None and key_of(identity.username or "") == key_of(username):
            return True
        keys = {key_of(username), username.casefold()}
        return all(
            other is identity
            or key_of(other.username or "") not in keys
            or (other.deleted_at is not None and now - other.deleted_at >= USERNAME_RESERVATION)
            for other in self.identities
        )

    def create_user(self, token: str, username: str, phone: PhoneNumber, now: float) -> Outcome:
        """Create a user. If phone and username are both in use, the phone is reported."""
        principal = self.authenticate(token, now)
        assert principal is not None
        if phone != principal.phone and not principal.is_administrator:
            return Outcome.PHONE_MISMATCH
        if phone != principal.phone and not principal.has_recent_login(token, now):
            return Outcome.REAUTHENTICATION_REQUIRED
        identity = self.find_by_phone(phone)
        if identity is not None and identity.username is not None:
            is_same = is_same_name(identity.username, username)
            return Outcome.CREATED if is_same else Outcome.PHONE_IN_USE
        if not self.is_available(username, identity, now):
            return Outcome.USERNAME_IN_USE
        self.find_or_add(phone).username = username
        return Outcome.CREATED

    def rename_user(self, token: str, username: str, now: float) -> Outcome:
        """Rename the caller. The old username is available at once."""
        principal = self.authenticate(token, now)
        assert principal is not None
        if principal.username is None:
            return Outcome.USER_NOT_FOUND
        if not self.is_available(username, principal, now):
            return Outcome.USERNAME_IN_USE
        principal.username = username
        return Outcome.RENAMED

    def delete_user(self, principal: ModelIdentity, now: float) -> None:
        """Delete the caller. The username stays reserved for a while."""
        principal.deleted_at, principal.sessions, principal.is_administrator = now, {}, False
