"""The mapping of the fields: what is stored, and what it is in the domain.

Each pair of functions is the table of one kind of value: `decode_…` makes the value from its stored
fields, `encode_…` returns the fields to store.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from adapters.mongo.documents import (
    ChallengeFields,
    DeliveryFields,
    IdentityDocument,
    ImageFields,
    IpAttemptFields,
    MediaItemDocument,
    PhoneVerificationDocument,
    RefreshTokensFields,
    SessionFields,
    TrustedIpFields,
    UnboundAttemptsFields,
    UserFields,
)
from adapters.mongo.driver import RawDocument
from adapters.mongo.record_mapping import RecordMapping, Upgrade
from application.ports.phone_seal import PhoneSeal
from domain.identities.identity import Identity, Role, User
from domain.identities.session import Lineage, Session
from domain.identities.username import Username
from domain.media.item import ItemState, MediaItem
from domain.media.picture import MediaKind, Picture, PictureFormat
from domain.sign_in.challenge import Challenge, Purpose
from domain.sign_in.phone_record import KnownAddress, PhoneRecord
from domain.sign_in.send import Send
from domain.sign_in.tries import AddressTry, UnboundTries

# One upgrade for each schema version after the first; see `adapters.mongo.record_mapping`.
PHONE_VERIFICATION_UPGRADES: Final[Sequence[Upgrade]] = ()
IDENTITY_UPGRADES: Final[Sequence[Upgrade]] = ()
MEDIA_ITEM_UPGRADES: Final[Sequence[Upgrade]] = ()

STORED_PURPOSES: Final = {Purpose.SIGN_IN: "sign_in"}
STORED_ROLES: Final = {Role.MEMBER: "member", Role.ADMINISTRATOR: "administrator"}
STORED_IMAGE_FORMATS: Final = {
    PictureFormat.JPEG: "jpeg",
    PictureFormat.PNG: "png",
    PictureFormat.GIF: "gif",
}
STORED_MEDIA_KINDS: Final = {MediaKind.IMAGE: "image", MediaKind.GIF: "gif"}
STORED_ITEM_STATES: Final = {
    ItemState.PENDING: "pending",
    ItemState.READY: "ready",
    ItemState.DOOMED: "deleting",
}

_PURPOSES: Final = {stored: purpose for purpose, stored in STORED_PURPOSES.items()}
_ROLES: Final = {stored: role for role, stored in STORED_ROLES.items()}
_IMAGE_FORMATS: Final = {stored: value for value, stored in STORED_IMAGE_FORMATS.items()}
_ITEM_STATES: Final = {stored: state for state, stored in STORED_ITEM_STATES.items()}


@dataclass(frozen=True, slots=True)
class Mappings:
    """The mapping of each aggregate."""

    phone_verifications: RecordMapping[PhoneRecord]
    identities: RecordMapping[Identity]
    media_items: RecordMapping[MediaItem]

    @classmethod
    def of(cls, phone_encryption: PhoneSeal) -> Self:
        """Make the mappings; identities are stored with encrypted phones."""
        identity_fields = IdentityFields(phone_encryption)
        return cls(
            RecordMapping(
                PhoneVerificationDocument,
                decode_phone_verification,
                encode_phone_verification,
                PHONE_VERIFICATION_UPGRADES,
            ),
            RecordMapping(
                IdentityDocument,
                identity_fields.decode,
                identity_fields.encode,
                IDENTITY_UPGRADES,
            ),
            RecordMapping(
                MediaItemDocument, decode_media_item, encode_media_item, MEDIA_ITEM_UPGRADES
            ),
        )


def decode_phone_verification(stored: PhoneVerificationDocument) -> PhoneRecord:
    """Make a phone verification from its document."""
    return PhoneRecord(
        challenges=tuple(map(_decode_challenge, stored.challenges)),
        sends=tuple(map(_decode_delivery, stored.deliveries)),
        unbound_tries=_decode_unbound_attempts(stored.unbound_attempts),
        known_addresses=tuple(map(_decode_trusted_ip, stored.trusted_ips)),
        identity_id=stored.identity_id,
        blocked=stored.blocked_at,
    )


def encode_phone_verification(record: PhoneRecord) -> RawDocument:
    """Return the fields of a phone verification, without its key."""
    return {
        "expires_at": record.lapses_at(),
        "identity_id": record.identity_id,
        "blocked_at": record.blocked,
        "challenges": [_encode_challenge(challenge) for challenge in record.challenges],
        "deliveries": [_encode_delivery(delivery) for delivery in record.sends],
        "unbound_attempts": _encode_unbound_attempts(record.unbound_tries),
        "trusted_ips": [_encode_trusted_ip(ip) for ip in record.known_addresses],
    }


def _decode_challenge(stored: ChallengeFields) -> Challenge:
    return Challenge(
        id=stored.id,
        purpose=_PURPOSES[stored.purpose],
        nonce=stored.nonce,
        key_id=stored.key_id,
        created=stored.created_at,
        expires=stored.expires_at,
        spent=stored.used_at is not None,
    )


def _encode_challenge(challenge: Challenge) -> RawDocument:
    return {
        "id": challenge.id,
        "purpose": STORED_PURPOSES[challenge.purpose],
        "nonce": challenge.nonce,
        "key_id": challenge.key_id,
        "created_at": challenge.created,
        "expires_at": challenge.expires,
        "used_at": challenge.created if challenge.spent else None,
    }


def _decode_delivery(stored: DeliveryFields) -> Send:
    return Send(
        request_id=stored.request_id,
        challenge_id=stored.challenge_id,
        address=stored.client_ip,
        at=stored.sent_at,
        reserved=stored.uses_trusted_ip_quota,
        tries_used=stored.attempts_used,
    )


def _encode_delivery(delivery: Send) -> RawDocument:
    return {
        "request_id": delivery.request_id,
        "challenge_id": delivery.challenge_id,
        "client_ip": delivery.address,
        "sent_at": delivery.at,
        "uses_trusted_ip_quota": delivery.reserved,
        "attempts_used": delivery.tries_used,
    }


def _decode_unbound_attempts(stored: UnboundAttemptsFields) -> UnboundTries:
    return UnboundTries(tuple(map(_decode_ip_attempt, stored.by_ip)), tuple(stored.shared))


def _encode_unbound_attempts(attempts: UnboundTries) -> RawDocument:
    return {
        "by_ip": [_encode_ip_attempt(attempt) for attempt in attempts.of_addresses],
        "shared": [*attempts.of_pool],
    }


def _decode_ip_attempt(stored: IpAttemptFields) -> AddressTry:
    return AddressTry(stored.client_ip, stored.attempted_at)


def _encode_ip_attempt(attempt: AddressTry) -> RawDocument:
    return {"client_ip": attempt.address, "attempted_at": attempt.at}


def _decode_trusted_ip(stored: TrustedIpFields) -> KnownAddress:
    return KnownAddress(stored.client_ip, stored.last_login_at)


def _encode_trusted_ip(ip: KnownAddress) -> RawDocument:
    return {"client_ip": ip.address, "last_login_at": ip.at}


@dataclass(frozen=True, slots=True)
class IdentityFields:
    """The fields of identities, whose phones are encrypted."""

    phone_encryption: PhoneSeal

    def decode(self, stored: IdentityDocument) -> Identity:
        """Make an identity from its document."""
        encrypted = stored.encrypted_phone
        return Identity(
            id=stored.id,
            phone=None if encrypted is None else self.phone_encryption.open(encrypted, stored.id),
            created=stored.created_at,
            role=_ROLES[stored.role],
            user=None if stored.user is None else _decode_user(stored.user),
            sessions=tuple(map(_decode_session, stored.sessions)),
            deleted=stored.deleted_at,
            swept=stored.purged_at is not None,
            blocked=stored.blocked_at,
        )

    def encode(self, identity: Identity) -> RawDocument:
        """Return the fields of an identity."""
        phone = identity.phone
        return {
            "_id": identity.id,
            "username_key": identity.username_key,
            "encrypted_phone": None
            if phone is None
            else self.phone_encryption.seal(phone, identity.id),
            "created_at": identity.created,
            "role": STORED_ROLES[identity.role],
            "user": None if identity.user is None else _encode_user(identity.user),
            "sessions": [_encode_session(session) for session in identity.sessions],
            "deleted_at": identity.deleted,
            "purged_at": (identity.deleted or identity.created) if identity.swept else None,
            "blocked_at": identity.blocked,
        }


def _decode_user(stored: UserFields) -> User:
    return User(Username(stored.username), stored.created_at)


def _encode_user(user: User) -> RawDocument:
    return {"username": user.username.text, "created_at": user.created}


def _decode_session(stored: SessionFields) -> Session:
    tokens = stored.refresh_tokens
    return Session(
        id=stored.id,
        created=stored.created_at,
        expires=stored.expires_at,
        device=stored.device,
        used=stored.last_used_at,
        lineage=None if tokens is None else _decode_refresh_tokens(tokens),
    )


def _encode_session(session: Session) -> RawDocument:
    tokens = session.lineage
    return {
        "id": session.id,
        "created_at": session.created,
        "expires_at": session.expires,
        "device": session.device,
        "last_used_at": session.used,
        "refresh_tokens": None if tokens is None else _encode_refresh_tokens(tokens),
    }


def _decode_refresh_tokens(stored: RefreshTokensFields) -> Lineage:
    return Lineage(stored.nonce, stored.rotated_at, stored.generation)


def _encode_refresh_tokens(tokens: Lineage) -> RawDocument:
    return {
        "nonce": tokens.nonce,
        "generation": tokens.generation,
        "rotated_at": tokens.rotated,
    }


def decode_media_item(stored: MediaItemDocument) -> MediaItem:
    """Make a library item from its document."""
    return MediaItem(
        id=stored.id,
        owner=stored.owner_id,
        key=stored.storage_key,
        picture=_decode_image(stored.image),
        category=stored.category,
        created=stored.created_at,
        state=_ITEM_STATES[stored.state],
        lease_until=stored.upload_deadline,
        doomed=stored.deletion_requested_at,
    )


def encode_media_item(item: MediaItem) -> RawDocument:
    """Return the fields of a library item."""
    return {
        "_id": item.id,
        "storage_key": item.key,
        "owner_id": item.owner,
        "kind": STORED_MEDIA_KINDS[item.kind],
        "image": _encode_image(item.picture),
        "category": item.category,
        "created_at": item.created,
        "state": STORED_ITEM_STATES[item.state],
        "upload_deadline": item.lease_until,
        "deletion_requested_at": item.doomed,
    }


def _decode_image(stored: ImageFields) -> Picture:
    return Picture(
        format=_IMAGE_FORMATS[stored.format],
        width=stored.width,
        height=stored.height,
        bytes=stored.size_bytes,
    )


def _encode_image(image: Picture) -> RawDocument:
    return {
        "format": STORED_IMAGE_FORMATS[image.format],
        "width": image.width,
        "height": image.height,
        "size_bytes": image.bytes,
    }
