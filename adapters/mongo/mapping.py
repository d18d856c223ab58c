"""The mapping of the fields: what is stored, and what it is in the domain.

Each pair of functions is the table of one kind of value: `decode_…` makes the value from its stored
fields, `encode_…` returns the fields to store.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Self

from adapters.mongo.documents import (
    AttemptCounterFields,
    ChallengeFields,
    DeliveryFields,
    DeviceFields,
    FailuresFields,
    IdentityDocument,
    ImageFields,
    MediaItemDocument,
    PhoneVerificationDocument,
    RefreshTokensFields,
    SessionFields,
    TrustedIpFields,
    UserFields,
)
from adapters.mongo.driver import RawDocument
from adapters.mongo.record_mapping import RecordMapping, Upgrade
from application.ports.client_ip_hashes import ClientIpHashes
from application.ports.phone_encryption import PhoneEncryption
from domain.identities.device_token import RecognizedDevice
from domain.identities.identity import Identity, Role, UsedChallenge, User
from domain.identities.session import RefreshTokenFamily, Session
from domain.identities.username import Username
from domain.media.image import Image, ImageFormat, MediaKind
from domain.media.item import ItemState, MediaItem
from domain.otp.attempt_counters import ATTEMPTS_PER_DELIVERY, AttemptCounter, CounterKind
from domain.otp.challenge import Challenge, Login, Purpose
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Delivery
from domain.otp.failures import DeviceFailures, Failures
from domain.otp.phone_verification import PhoneVerification, TrustedIp

# One upgrade for each schema version after the first; see `adapters.mongo.record_mapping`.
IDENTITY_UPGRADES: Final[Sequence[Upgrade]] = ()
MEDIA_ITEM_UPGRADES: Final[Sequence[Upgrade]] = ()

STORED_PURPOSES: Final = {Purpose.SIGN_IN: "sign_in"}
STORED_COUNTER_KINDS: Final = {
    CounterKind.FIRST_REQUEST: "first_request",
    CounterKind.LATER_REQUEST: "later_request",
    CounterKind.DEVICE_REQUEST: "device_request",
    CounterKind.IP: "ip",
    CounterKind.UNKNOWN_IP: "unknown_ip",
    CounterKind.DEVICE: "device",
}
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
_COUNTER_KINDS: Final = {stored: kind for kind, stored in STORED_COUNTER_KINDS.items()}
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
                [partial(hash_client_ips, phone_encryption), count_on_request_ids],
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
        shared_attempts=tuple(stored.shared_attempts),
        failures=_decode_failures(stored.failures),
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
        "shared_attempts": [*record.shared_attempts],
        "failures": _encode_failures(record.failures),
        "trusted_ips": [_encode_trusted_ip(ip) for ip in record.trusted_ips],
    }


def _decode_challenge(stored: ChallengeFields) -> Challenge:
    login = stored.login
    return Challenge(
        id=stored.id,
        purpose=_PURPOSES[stored.purpose],
        nonce=stored.nonce,
        key_id=stored.key_id,
        created_at=stored.created_at,
        expires_at=stored.expires_at,
        used_at=stored.used_at,
        login=Login(login.identity_id, login.session_id, login.request_id) if login else None,
    )


def _encode_challenge(challenge: Challenge) -> RawDocument:
    login = challenge.login
    return {
        "id": challenge.id,
        "purpose": STORED_PURPOSES[challenge.purpose],
        "nonce": challenge.nonce,
        "key_id": challenge.key_id,
        "created_at": challenge.created_at,
        "expires_at": challenge.expires_at,
        "used_at": challenge.used_at,
        "login": login
        and {
            "identity_id": login.identity_id,
            "session_id": login.session_id,
            "request_id": login.request_id,
        },
    }


def _decode_delivery(stored: DeliveryFields) -> Delivery:
    return Delivery(
        request_id=stored.request_id,
        challenge_id=stored.challenge_id,
        client_ip=HashedClientIp(stored.client_ip_hash, stored.network_hash, stored.is_ipv6),
        sent_at=stored.sent_at,
        attempt_limit=stored.attempt_limit,
        device_id=stored.device_id,
        uses_own_quota=stored.uses_own_quota,
        counters=tuple(map(_decode_counter, stored.counters)),
    )


def _encode_delivery(delivery: Delivery) -> RawDocument:
    return {
        "request_id": delivery.request_id,
        "challenge_id": delivery.challenge_id,
        "client_ip_hash": delivery.client_ip.ip,
        "network_hash": delivery.client_ip.network,
        "is_ipv6": delivery.client_ip.is_ipv6,
        "sent_at": delivery.sent_at,
        "attempt_limit": delivery.attempt_limit,
        "device_id": delivery.device_id,
        "uses_own_quota": delivery.uses_own_quota,
        "counters": [_encode_counter(counter) for counter in delivery.counters],
    }


def _decode_counter(stored: AttemptCounterFields) -> AttemptCounter:
    return AttemptCounter(
        kind=_COUNTER_KINDS[stored.kind],
        id=stored.id,
        limit=stored.limit,
        used=stored.used,
        last_digest=stored.last_digest,
        last_counted_at=stored.last_counted_at,
    )


def _encode_counter(counter: AttemptCounter) -> RawDocument:
    return {
        "kind": STORED_COUNTER_KINDS[counter.kind],
        "id": counter.id,
        "limit": counter.limit,
        "used": counter.used,
        "last_digest": counter.last_digest,
        "last_counted_at": counter.last_counted_at,
    }


def _decode_failures(stored: FailuresFields) -> Failures:
    return Failures(
        in_a_row=stored.in_a_row,
        last_failed_at=stored.last_failed_at,
        by_device=tuple(
            DeviceFailures(failures.device_id, failures.count, failures.last_failed_at)
            for failures in stored.by_device
        ),
    )


def _encode_failures(failures: Failures) -> RawDocument:
    return {
        "in_a_row": failures.in_a_row,
        "last_failed_at": failures.last_failed_at,
        "by_device": [
            {
                "device_id": device.device_id,
                "count": device.count,
                "last_failed_at": device.last_failed_at,
            }
            for device in failures.by_device
        ],
    }


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


def count_on_request_ids(document: RawDocument) -> RawDocument:
    """Turn a document of schema version 2, which counts for a delivery, into one of version 3."""
    for delivery in document["deliveries"]:
        delivery["attempt_limit"] = ATTEMPTS_PER_DELIVERY
        delivery["uses_own_quota"] = delivery.pop("uses_trusted_ip_quota")
        delivery["counters"] = [
            {
                "kind": STORED_COUNTER_KINDS[CounterKind.FIRST_REQUEST],
                "id": delivery["request_id"],
                "limit": ATTEMPTS_PER_DELIVERY,
                "used": used,
            }
            for used in [delivery.pop("attempts_used")]
            if used
        ]
    document["shared_attempts"] = document.pop("unbound_attempts")["shared"]
    document["failures"] = {"in_a_row": 0, "by_device": []}
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
            devices=tuple(map(_decode_device, stored.devices)),
            used_challenges=tuple(
                UsedChallenge(used.id, used.expires_at) for used in stored.used_challenges
            ),
            deleted_at=stored.deleted_at,
            purged_at=stored.purged_at,
            blocked_at=stored.blocked_at,
            detached_at=stored.detached_at,
            last_used_at=stored.last_used_at,
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
        }


def _decode_user(stored: UserFields) -> User:
    return User(Username(stored.username), stored.created_at)


def _encode_user(user: User) -> RawDocument:
    return {"username": user.username.text, "created_at": user.created_at}


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
