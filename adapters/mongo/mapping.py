"""The mapping of the fields: what is stored, and what it is in the domain.

Each pair of functions is the table of one kind of value: `decode_…` makes the value from its stored
fields, `encode_…` returns the fields to store.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
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
from application.ports.client_ip_hashes import ClientIpHashes
from application.ports.phone_encryption import PhoneEncryption
from domain.identities.identity import Identity, Role, User
from domain.identities.session import RefreshTokenFamily, Session
from domain.identities.username import Username
from domain.media.image import Image, ImageFormat, MediaKind
from domain.media.item import ItemState, MediaItem
from domain.otp.attempts import IpAttempt, UnboundAttempts
from domain.otp.challenge import Challenge, Purpose
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Delivery
from domain.otp.phone_verification import PhoneVerification, TrustedIp

# One upgrade for each schema version after the first; see `adapters.mongo.record_mapping`.
IDENTITY_UPGRADES: Final[Sequence[Upgrade]] = ()
MEDIA_ITEM_UPGRADES: Final[Sequence[Upgrade]] = ()

STORED_PURPOSES: Final = {Purpose.SIGN_IN: "sign_in"}
STORED_ROLES: Final = {Role.MEMBER: "member", Role.ADMINISTRATOR: "administrator"}
STORED_IMAGE_FORMATS: Final = {
    ImageFormat.JPEG: "jpeg",
    ImageFormat.PNG: "png",
    ImageFormat.GIF: "gif",
}
STORED_MEDIA_KINDS: Final = {MediaKind.IMAGE: "image", MediaKind.GIF: "gif"}
STORED_ITEM_STATES: Final = {
    ItemState.PENDING: "pending",
    ItemState.READY: "ready",
    ItemState.DELETING: "deleting",
    ItemState.DELETION_REFUSED: "deletion_refused",
}

_PURPOSES: Final = {stored: purpose for purpose, stored in STORED_PURPOSES.items()}
_ROLES: Final = {stored: role for role, stored in STORED_ROLES.items()}
_IMAGE_FORMATS: Final = {stored: value for value, stored in STORED_IMAGE_FORMATS.items()}
_ITEM_STATES: Final = {stored: state for state, stored in STORED_ITEM_STATES.items()}


@dataclass(frozen=True, slots=True)
class Mappings:
    """The mapping of each aggregate."""

    phone_verifications: RecordMapping[PhoneVerification]
    identities: RecordMapping[Identity]
    media_items: RecordMapping[MediaItem]

    @classmethod
    def of(cls, phone_encryption: PhoneEncryption) -> Self:
        """Make the mappings; identities are stored with encrypted phones."""
        identity_fields = IdentityFields(phone_encryption)
        return cls(
            RecordMapping(
                PhoneVerificationDocument,
                decode_phone_verification,
                encode_phone_verification,
                [partial(hash_client_ips, phone_encryption)],
            ),
            RecordMapping(
                IdentityDocument,
                identity_fields.decode,
                identity_fields.encode,
                IDENTITY_UPGRADES,
                encode_again=identity_fields.encode,
            ),
            RecordMapping(
                MediaItemDocument, decode_media_item, encode_media_item, MEDIA_ITEM_UPGRADES
            ),
        )


def decode_phone_verification(stored: PhoneVerificationDocument) -> PhoneVerification:
    """Make a phone verification from its document."""
    return PhoneVerification(
        challenges=tuple(map(_decode_challenge, stored.challenges)),
        deliveries=tuple(map(_decode_delivery, stored.deliveries)),
        unbound_attempts=_decode_unbound_attempts(stored.unbound_attempts),
        trusted_ips=tuple(map(_decode_trusted_ip, stored.trusted_ips)),
        identity_id=stored.identity_id,
        blocked_at=stored.blocked_at,
    )


def encode_phone_verification(record: PhoneVerification) -> RawDocument:
    """Return the fields of a phone verification, without its key."""
    return {
        "expires_at": record.expires_at,
        "client_ips_expire_at": record.client_ips_expire_at,
        "identity_id": record.identity_id,
        "blocked_at": record.blocked_at,
        "challenges": [_encode_challenge(challenge) for challenge in record.challenges],
        "deliveries": [_encode_delivery(delivery) for delivery in record.deliveries],
        "unbound_attempts": _encode_unbound_attempts(record.unbound_attempts),
        "trusted_ips": [_encode_trusted_ip(ip) for ip in record.trusted_ips],
    }


def _decode_challenge(stored: ChallengeFields) -> Challenge:
    return Challenge(
        id=stored.id,
        purpose=_PURPOSES[stored.purpose],
        nonce=stored.nonce,
        key_id=stored.key_id,
        created_at=stored.created_at,
        expires_at=stored.expires_at,
        used_at=stored.used_at,
    )


def _encode_challenge(challenge: Challenge) -> RawDocument:
    return {
        "id": challenge.id,
        "purpose": STORED_PURPOSES[challenge.purpose],
        "nonce": challenge.nonce,
        "key_id": challenge.key_id,
        "created_at": challenge.created_at,
        "expires_at": challenge.expires_at,
        "used_at": challenge.used_at,
    }


def _decode_delivery(stored: DeliveryFields) -> Delivery:
    return Delivery(
        request_id=stored.request_id,
        challenge_id=stored.challenge_id,
        client_ip=HashedClientIp(stored.client_ip_hash, stored.network_hash, stored.is_ipv6),
        sent_at=stored.sent_at,
        uses_trusted_ip_quota=stored.uses_trusted_ip_quota,
        attempts_used=stored.attempts_used,
    )


def _encode_delivery(delivery: Delivery) -> RawDocument:
    return {
        "request_id": delivery.request_id,
        "challenge_id": delivery.challenge_id,
        "client_ip_hash": delivery.client_ip.ip,
        "network_hash": delivery.client_ip.network,
        "is_ipv6": delivery.client_ip.is_ipv6,
        "sent_at": delivery.sent_at,
        "uses_trusted_ip_quota": delivery.uses_trusted_ip_quota,
        "attempts_used": delivery.attempts_used,
    }


def _decode_unbound_attempts(stored: UnboundAttemptsFields) -> UnboundAttempts:
    return UnboundAttempts(tuple(map(_decode_ip_attempt, stored.by_ip)), tuple(stored.shared))


def _encode_unbound_attempts(attempts: UnboundAttempts) -> RawDocument:
    return {
        "by_ip": [_encode_ip_attempt(attempt) for attempt in attempts.by_ip],
        "shared": [*attempts.shared],
    }


def _decode_ip_attempt(stored: IpAttemptFields) -> IpAttempt:
    return IpAttempt(stored.client_ip_hash, stored.attempted_at)


def _encode_ip_attempt(attempt: IpAttempt) -> RawDocument:
    return {"client_ip_hash": attempt.client_ip_hash, "attempted_at": attempt.attempted_at}


def _decode_trusted_ip(stored: TrustedIpFields) -> TrustedIp:
    return TrustedIp(stored.client_ip_hash, stored.last_login_at)


def _encode_trusted_ip(ip: TrustedIp) -> RawDocument:
    return {"client_ip_hash": ip.client_ip_hash, "last_login_at": ip.last_login_at}


def hash_client_ips(client_ip_hashes: ClientIpHashes, document: RawDocument) -> RawDocument:
    """Turn a document of schema version 1, with client IPs as they are, into one of version 2."""
    for delivery in document["deliveries"]:
        hashed = client_ip_hashes.hash_client_ip(delivery.pop("client_ip"))
        delivery["client_ip_hash"] = hashed.ip
        delivery["network_hash"] = hashed.network
        delivery["is_ipv6"] = hashed.is_ipv6
    for named in (*document["unbound_attempts"]["by_ip"], *document["trusted_ips"]):
        named["client_ip_hash"] = client_ip_hashes.hash_client_ip(named.pop("client_ip")).ip
    return document


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
            deleted_at=stored.deleted_at,
            purged_at=stored.purged_at,
            blocked_at=stored.blocked_at,
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
            "deleted_at": identity.deleted_at,
            "purged_at": identity.purged_at,
            "blocked_at": identity.blocked_at,
        }


def _decode_user(stored: UserFields) -> User:
    return User(Username(stored.username), stored.created_at)


def _encode_user(user: User) -> RawDocument:
    return {"username": user.username.text, "created_at": user.created_at}


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


def decode_media_item(stored: MediaItemDocument) -> MediaItem:
    """Make a library item from its document."""
    return MediaItem(
        id=stored.id,
        owner_id=stored.owner_id,
        storage_key=stored.storage_key,
        image=_decode_image(stored.image),
        category=stored.category,
        created_at=stored.created_at,
        state=_ITEM_STATES[stored.state],
        upload_deadline=stored.upload_deadline,
        deletion_requested_at=stored.deletion_requested_at,
    )


def encode_media_item(item: MediaItem) -> RawDocument:
    """Return the fields of a library item."""
    return {
        "_id": item.id,
        "storage_key": item.storage_key,
        "owner_id": item.owner_id,
        "kind": STORED_MEDIA_KINDS[item.kind],
        "image": _encode_image(item.image),
        "category": item.category,
        "created_at": item.created_at,
        "state": STORED_ITEM_STATES[item.state],
        "upload_deadline": item.upload_deadline,
        "deletion_requested_at": item.deletion_requested_at,
    }


def _decode_image(stored: ImageFields) -> Image:
    return Image(
        format=_IMAGE_FORMATS[stored.format],
        width=stored.width,
        height=stored.height,
        bytes=stored.size_bytes,
    )


def _encode_image(image: Image) -> RawDocument:
    return {
        "format": STORED_IMAGE_FORMATS[image.format],
        "width": image.width,
        "height": image.height,
        "size_bytes": image.bytes,
    }
