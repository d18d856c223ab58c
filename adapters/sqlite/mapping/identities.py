"""The stored form of identities."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from adapters.sqlite.record_mapping import RecordMapping, StoredFields
from application.ports.phone_encryption import PhoneEncryption
from domain.identities.device_token import RecognizedDevice
from domain.identities.identity import Consent, Identity, Role, UsedChallenge, User
from domain.identities.session import RefreshTokenFamily, Session
from domain.identities.username import Username

RoleName = Literal["member", "administrator"]

_ROLES: Final[Mapping[RoleName, Role]] = {
    "member": Role.MEMBER,
    "administrator": Role.ADMINISTRATOR,
}
_ROLE_NAMES: Final = {role: name for name, role in _ROLES.items()}


class StoredUser(StoredFields):
    """The user of an identity."""

    username: str
    created_at: datetime


class StoredRefreshTokens(StoredFields):
    """The refresh token family of a session."""

    nonce: bytes
    generation: int
    rotated_at: datetime
    is_confirmed: bool = True


class StoredSession(StoredFields):
    """One session of an identity."""

    id: str
    created_at: datetime
    expires_at: datetime
    device: str | None = None
    last_used_at: datetime | None = None
    refresh_tokens: StoredRefreshTokens | None = None
    idle_expires_at: datetime | None = None


class StoredDevice(StoredFields):
    """A device that is recognized by its token."""

    id: str
    session_id: str
    expires_at: datetime


class StoredUsedChallenge(StoredFields):
    """A challenge that opened a session."""

    id: str
    expires_at: datetime


class StoredConsent(StoredFields):
    """What a caller agreed to."""

    wording: str
    language: str
    given_at: datetime


class StoredIdentity(StoredFields):
    """The body in table `identities`."""

    id: str
    created_at: datetime
    encrypted_phone: bytes | None = None
    role: RoleName = "member"
    user: StoredUser | None = None
    sessions: tuple[StoredSession, ...] = ()
    devices: tuple[StoredDevice, ...] = ()
    used_challenges: tuple[StoredUsedChallenge, ...] = ()
    deleted_at: datetime | None = None
    purged_at: datetime | None = None
    blocked_at: datetime | None = None
    detached_at: datetime | None = None
    last_used_at: datetime | None = None
    is_verified: bool = True
    consent: StoredConsent | None = None


class IdentityMapping(RecordMapping[Identity, StoredIdentity]):
    """Maps identities, and encrypts their phones."""

    stored_type: type[StoredIdentity] = StoredIdentity

    def __init__(self, encryption: PhoneEncryption) -> None:
        """Take the encryption of the phones."""
        super().__init__()
        self._encryption = encryption

    def to_stored(self, value: Identity, encrypted_phone: bytes | None = None) -> StoredIdentity:
        """Return the stored form of an identity.

        Args:
            value: the identity.
            encrypted_phone: the ciphertext of the record that it replaces.
        """
        phone, user, consent = value.phone, value.user, value.consent
        return StoredIdentity(
            id=value.id,
            encrypted_phone=None
            if phone is None
            else self._encryption.encrypt(phone, value.id, encrypted_phone),
            created_at=value.created_at,
            role=_ROLE_NAMES[value.role],
            user=None if user is None else _user_to_stored(user),
            sessions=tuple([_session_to_stored(session) for session in value.sessions]),
            devices=tuple(
                [
                    StoredDevice(
                        id=device.id, session_id=device.session_id, expires_at=device.expires_at
                    )
                    for device in value.devices
                ]
            ),
            used_challenges=tuple(
                [
                    StoredUsedChallenge(id=used.id, expires_at=used.expires_at)
                    for used in value.used_challenges
                ]
            ),
            deleted_at=value.deleted_at,
            # The domain keeps no time of the purge.
            purged_at=value.purged_at,
            blocked_at=value.blocked_at,
            detached_at=value.detached_at,
            last_used_at=value.last_used_at,
            is_verified=value.is_verified,
            consent=None
            if consent is None
            else StoredConsent(
                wording=consent.wording, language=consent.language, given_at=consent.given_at
            ),
        )

    def to_domain(self, stored: StoredIdentity) -> Identity:
        """Return the identity of a stored form, with its phone decrypted."""
        phone, user, consent = stored.encrypted_phone, stored.user, stored.consent
        return Identity(
            id=stored.id,
            phone=None if phone is None else self._encryption.decrypt(phone, stored.id),
            created_at=stored.created_at,
            role=_ROLES[stored.role],
            user=None if user is None else _user_to_domain(user),
            sessions=tuple([_session_to_domain(session) for session in stored.sessions]),
            devices=tuple(
                [
                    RecognizedDevice(device.id, device.session_id, device.expires_at)
                    for device in stored.devices
                ]
            ),
            used_challenges=tuple(
                [UsedChallenge(used.id, used.expires_at) for used in stored.used_challenges]
            ),
            deleted_at=stored.deleted_at,
            purged_at=stored.purged_at,
            blocked_at=stored.blocked_at,
            detached_at=stored.detached_at,
            last_used_at=stored.last_used_at,
            is_verified=stored.is_verified,
            consent=None
            if consent is None
            else Consent(consent.wording, consent.language, consent.given_at),
        )


def _user_to_stored(user: User) -> StoredUser:
    return StoredUser(username=user.username.text, created_at=user.created_at)


def _user_to_domain(user: StoredUser) -> User:
    return User(username=Username(text=user.username), created_at=user.created_at)


def _session_to_stored(session: Session) -> StoredSession:
    tokens = session.token_family
    return StoredSession(
        id=session.id,
        created_at=session.created_at,
        expires_at=session.expires_at,
        device=session.device,
        last_used_at=session.last_used_at,
        refresh_tokens=None if tokens is None else _refresh_tokens_to_stored(tokens),
        idle_expires_at=session.idle_expires_at,
    )


def _session_to_domain(session: StoredSession) -> Session:
    tokens = session.refresh_tokens
    return Session(
        id=session.id,
        created_at=session.created_at,
        expires_at=session.expires_at,
        device=session.device,
        last_used_at=session.last_used_at,
        token_family=None if tokens is None else _refresh_tokens_to_domain(tokens),
        idle_expires_at=session.idle_expires_at,
    )


def _refresh_tokens_to_stored(tokens: RefreshTokenFamily) -> StoredRefreshTokens:
    return StoredRefreshTokens(
        nonce=tokens.nonce,
        generation=tokens.generation,
        rotated_at=tokens.rotated_at,
        is_confirmed=tokens.is_confirmed,
    )


def _refresh_tokens_to_domain(tokens: StoredRefreshTokens) -> RefreshTokenFamily:
    return RefreshTokenFamily(
        nonce=tokens.nonce,
        generation=tokens.generation,
        rotated_at=tokens.rotated_at,
        is_confirmed=tokens.is_confirmed,
    )
