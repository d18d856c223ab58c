"""A model of identities, users and usernames. All times are seconds."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from domain.phone import PhoneNumber

DAY: Final = 24 * 60 * 60
USERNAME_RESERVATION: Final = 30 * DAY
TOKEN_TTL: Final = 90 * DAY
MAX_SESSIONS: Final = 20


@dataclass(frozen=True, slots=True)
class ModelUsername:
    """A username as a client writes it, as the service shows it, and the key that is unique.

    `#` stands for the number of the example, so that examples share no username.
    """

    written: str
    shown: str
    key: str

    def for_example(self, example: int) -> "ModelUsername":
        """Return the username with the number of the example."""
        return ModelUsername(
            *(text.replace("#", str(example)) for text in (self.written, self.shown, self.key))
        )


USERNAMES: Final = (
    ModelUsername("Rahul Sharma #", "Rahul Sharma #", "rahul sharma #"),
    ModelUsername("  rahul  SHARMA #\t ", "rahul SHARMA #", "rahul sharma #"),
    ModelUsername("RAHUL\u00a0Sharma\u3000#", "RAHUL Sharma #", "rahul sharma #"),
    ModelUsername("Zo\u00eb #", "Zo\u00eb #", "zo\u00eb #"),
    ModelUsername("ZOE\u0308 #", "ZO\u00cb #", "zo\u00eb #"),
    ModelUsername("Zoe #", "Zoe #", "zoe #"),
    ModelUsername("Straße #", "Straße #", "strasse #"),
    ModelUsername("STRASSE #", "STRASSE #", "strasse #"),
    ModelUsername("\u0130lker #", "\u0130lker #", "i\u0307lker #"),
    ModelUsername("i\u0307LKER #", "i\u0307LKER #", "i\u0307lker #"),
    ModelUsername("\ufb01ona #", "\ufb01ona #", "fiona #"),
    ModelUsername("FIONA #", "FIONA #", "fiona #"),
    ModelUsername("👩‍🚀#", "👩‍🚀#", "👩‍🚀#"),
)


def spellings_of(username: ModelUsername, example: int) -> list[ModelUsername]:
    """Return all usernames of an example that are the same one."""
    usernames = [username.for_example(example) for username in USERNAMES]
    return [spelling for spelling in usernames if spelling.key == username.key] or [username]


class UserOutcome(Enum):
    """What creating or renaming a user leads to."""

    DONE = auto()
    PHONE_MISMATCH = auto()
    REAUTHENTICATION_REQUIRED = auto()
    USER_NOT_FOUND = auto()
    PHONE_IN_USE = auto()
    USERNAME_IN_USE = auto()


@dataclass(eq=False)
class ModelIdentity:
    """An identity. Its id is unknown until a response has it."""

    phone: PhoneNumber
    id: str | None = None
    username: ModelUsername | None = None
    user_since: float = 0
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
        return next(
            (
                identity
                for identity in self.identities
                if identity.phone == phone and identity.deleted_at is None
            ),
            None,
        )

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
        """Add a session, and revoke the oldest of more than twenty."""
        identity = self.find_or_add(phone)
        active = [
            (active_token, created_at)
            for active_token, created_at in identity.sessions.items()
            if now - created_at < TOKEN_TTL
        ]
        identity.sessions = dict([*active, (token, now)][-MAX_SESSIONS:])

    def is_available(
        self, username: ModelUsername, identity: ModelIdentity | None, now: float
    ) -> bool:
        """Return whether the identity may have the username."""
        for other in self.identities:
            has_username = other.username is not None and other.username.key == username.key
            if other is identity or not has_username:
                continue
            if other.deleted_at is None or now - other.deleted_at < USERNAME_RESERVATION:
                return False
        return True

    def create_user(
        self, token: str, username: ModelUsername, phone: PhoneNumber, now: float
    ) -> UserOutcome:
        """Create a user. If phone and username are both in use, the phone is reported."""
        principal = self.authenticate(token, now)
        assert principal is not None
        if phone != principal.phone and not principal.is_administrator:
            return UserOutcome.PHONE_MISMATCH
        if phone != principal.phone and not principal.has_recent_login(token, now):
            return UserOutcome.REAUTHENTICATION_REQUIRED
        identity = self.find_by_phone(phone)
        if identity is not None and identity.username is not None:
            is_same = identity.username.key == username.key
            return UserOutcome.DONE if is_same else UserOutcome.PHONE_IN_USE
        if not self.is_available(username, identity, now):
            return UserOutcome.USERNAME_IN_USE
        identity = self.find_or_add(phone)
        identity.username, identity.user_since = username, now
        return UserOutcome.DONE

    def rename_user(
        self, principal: ModelIdentity, username: ModelUsername, now: float
    ) -> UserOutcome:
        """Rename the caller. The old username is available at once."""
        if principal.username is None:
            return UserOutcome.USER_NOT_FOUND
        if not self.is_available(username, principal, now):
            return UserOutcome.USERNAME_IN_USE
        principal.username = username
        return UserOutcome.DONE

    def delete_user(self, principal: ModelIdentity, now: float) -> None:
        """Delete the caller. The username stays reserved for a while."""
        principal.deleted_at, principal.sessions, principal.is_administrator = now, {}, False
