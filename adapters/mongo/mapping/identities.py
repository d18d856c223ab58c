"""The mapping of identities."""

from typing import Final

from adapters.mongo.documents.identities import (
    ConsentFields,
    DeviceFields,
    IdentityDocument,
    RefreshTokensFields,
    SessionFields,
    UserFields,
)
from adapters.mongo.driver import RawDocument
from application.ports.phone_encryption import PhoneEncryption
from domain.identities.device_token import RecognizedDevice
from domain.identities.identity import Consent, Identity, Role, UsedChallenge, User
from domain.identities.session import RefreshTokenFamily, Session
from domain.identities.username import Username
from domain.values import dataclass

STORED_ROLES: Final = {Role.MEMBER: "member", Role.ADMINISTRATOR: "administrator"}

_ROLES: Final = {stored: role for role, stored in STORED_ROLES.items()}


@dataclass(frozen=True, slots=True)
class IdentityFields:
    """The fields of identities, whose phones are encrypted."""

    phone_encryption: PhoneEncryption

    def decode(self, stored: IdentityDocument) -> Identity:
        """Make an identity from its document."""
        encrypted = stored.encrypted_phone
        return Identity(
            id=stored.id,
            phone=None
            if encrypted is None
            else self.phone_encryption.decrypt(encrypted, stored.id),
            created_at=stored.created_at,
            role=_ROLES[stored.role],
            user=None if stored.user is None else _decode_user(stored.user),
            sessions=tuple(map(_decode_session, stored.sessions)),
            devices=tuple(map(_decode_device, stored.devices)),
            used_challenges=tuple(
                UsedChallenge(used.id, used.expires_at) for used in stored.used_challenges
            ),
            deleted_at=stored.deleted_at,
            purged_at=stored.purged_at,
            blocked_at=stored.blocked_at,
            detached_at=stored.detached_at,
            last_used_at=stored.last_used_at,
            is_verified=stored.is_verified,
            consent=None if stored.consent is None else _decode_consent(stored.consent),
        )

    def encode(self, identity: Identity, encrypted_phone: bytes | None = None) -> RawDocument:
        """Return the fields of an identity.

        Args:
            identity: the identity.
            encrypted_phone: the ciphertext of the record that it replaces.
        """
        phone = identity.phone
        return {
            "_id": identity.id,
            "username_key": identity.username_key,
            "encrypted_phone": None
            if phone is None
            else self.phone_encryption.encrypt(phone, identity.id, encrypted_phone),
            "created_at": identity.created_at,
            "role": STORED_ROLES[identity.role],
            "user": None if identity.user is None else _encode_user(identity.user),
            "sessions": [_encode_session(session) for session in identity.sessions],
            "devices": [_encode_device(device) for device in identity.devices] or None,
            "used_challenges": [
                {"id": used.id, "expires_at": used.expires_at} for used in identity.used_challenges
            ]
            or None,
            "deleted_at": identity.deleted_at,
            "purged_at": identity.purged_at,
            "blocked_at": identity.blocked_at,
            "detached_at": identity.detached_at,
            "last_used_at": identity.last_used_at,
            "is_verified": None if identity.is_verified else False,
            "consent": None if identity.consent is None else _encode_consent(identity.consent),
        }


def _decode_user(stored: UserFields) -> User:
    return User(Username(stored.username), stored.created_at)


def _encode_user(user: User) -> RawDocument:
    return {"username": user.username.text, "created_at": user.created_at}


def _decode_consent(stored: ConsentFields) -> Consent:
    return Consent(stored.wording, stored.language, stored.given_at)


def _encode_consent(consent: Consent) -> RawDocument:
    return {
        "wording": consent.wording,
        "language": consent.language,
        "given_at": consent.given_at,
    }


def _decode_device(stored: DeviceFields) -> RecognizedDevice:
    return RecognizedDevice(stored.id, stored.session_id, stored.expires_at)


def _encode_device(device: RecognizedDevice) -> RawDocument:
    return {"id": device.id, "session_id": device.session_id, "expires_at": device.expires_at}


def _decode_session(stored: SessionFields) -> Session:
    tokens = stored.refresh_tokens
    return Session(
        id=stored.id,
        created_at=stored.created_at,
        expires_at=stored.expires_at,
        device=stored.device,
        last_used_at=stored.last_used_at,
        token_family=None if tokens is None else _decode_refresh_tokens(tokens),
        idle_expires_at=stored.idle_expires_at,
    )


def _encode_session(session: Session) -> RawDocument:
    tokens = session.token_family
    return {
        "id": session.id,
        "created_at": session.created_at,
        "expires_at": session.expires_at,
        "device": session.device,
        "last_used_at": session.last_used_at,
        "refresh_tokens": None if tokens is None else _encode_refresh_tokens(tokens),
        "idle_expires_at": session.idle_expires_at,
    }


def _decode_refresh_tokens(stored: RefreshTokensFields) -> RefreshTokenFamily:
    return RefreshTokenFamily(
        stored.nonce, stored.rotated_at, stored.generation, stored.is_confirmed
    )


def _encode_refresh_tokens(tokens: RefreshTokenFamily) -> RawDocument:
    return {
        "nonce": tokens.nonce,
        "generation": tokens.generation,
        "rotated_at": tokens.rotated_at,
        "is_confirmed": tokens.is_confirmed,
    }
