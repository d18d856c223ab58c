"""The stored form of each aggregate, and the mapping between it and the domain.

- The `Stored…` structs name every field of the JSON in the column `body`. They use no class of the
  domain, so domain names change without touching stored data.
- Times are RFC 3339 in UTC with microseconds, bytes are base64.
- Fields that this version does not know survive a `load` followed by a `replace`: they travel in
  `RecordVersion.unknown_fields`.
- A record of an older schema version is upgraded when it is read, and is stored in the new form
  when it is saved.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, Literal

from msgspec import field

from adapters.sqlite.record_mapping import Fields, RecordMapping, StoredFields
from application.ports.client_ip_hashes import ClientIpHashes
from application.ports.phone_encryption import PhoneEncryption
from domain.identities.device_token import RecognizedDevice
from domain.identities.identity import Identity, Role, UsedChallenge, User
from domain.identities.session import RefreshTokenFamily, Session
from domain.identities.username import Username
from domain.media.image import Image, ImageFormat
from domain.media.item import ItemState, MediaItem
from domain.otp.attempt_counters import ATTEMPTS_PER_DELIVERY, AttemptCounter, CounterKind
from domain.otp.challenge import Challenge, Login, Purpose
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Delivery
from domain.otp.failures import DeviceFailures, Failures
from domain.otp.phone_verification import PhoneVerification, TrustedIp

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

PurposeName = Literal["sign_in"]
CounterKindName = Literal[
    "first_request", "later_request", "device_request", "ip", "unknown_ip", "device"
]
RoleName = Literal["member", "administrator"]
ImageFormatName = Literal["jpeg", "png", "gif"]
StateName = Literal["pending", "ready", "deleting", "deletion_refused"]

_PURPOSES: Final[Mapping[PurposeName, Purpose]] = {"sign_in": Purpose.SIGN_IN}
_COUNTER_KINDS: Final[Mapping[CounterKindName, CounterKind]] = {
    "first_request": CounterKind.FIRST_REQUEST,
    "later_request": CounterKind.LATER_REQUEST,
    "device_request": CounterKind.DEVICE_REQUEST,
    "ip": CounterKind.IP,
    "unknown_ip": CounterKind.UNKNOWN_IP,
    "device": CounterKind.DEVICE,
}
_ROLES: Final[Mapping[RoleName, Role]] = {
    "member": Role.MEMBER,
    "administrator": Role.ADMINISTRATOR,
}
_IMAGE_FORMATS: Final[Mapping[ImageFormatName, ImageFormat]] = {
    "jpeg": ImageFormat.JPEG,
    "png": ImageFormat.PNG,
    "gif": ImageFormat.GIF,
}
_STATES: Final[Mapping[StateName, ItemState]] = {
    "pending": ItemState.PENDING,
    "ready": ItemState.READY,
    "deleting": ItemState.DELETING,
    "deletion_refused": ItemState.DELETION_REFUSED,
}
_PURPOSE_NAMES: Final = {purpose: name for name, purpose in _PURPOSES.items()}
_COUNTER_KIND_NAMES: Final = {kind: name for name, kind in _COUNTER_KINDS.items()}
_ROLE_NAMES: Final = {role: name for name, role in _ROLES.items()}
_IMAGE_FORMAT_NAMES: Final = {image_format: name for name, image_format in _IMAGE_FORMATS.items()}
_STATE_NAMES: Final = {state: name for name, state in _STATES.items()}


class StoredLogin(StoredFields):
    """The login that the code of a challenge was used for."""

    identity_id: str
    session_id: str
    request_id: str | None = None


class StoredChallenge(StoredFields):
    """One challenge of a phone verification."""

    id: str
    purpose: PurposeName
    nonce: bytes
    key_id: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    login: StoredLogin | None = None


class StoredAttemptCounter(StoredFields):
    """The attempts of a request id, a client IP or a device at one delivery."""

    kind: CounterKindName
    id: str
    limit: int
    used: int = 0
    last_digest: str | None = None
    last_counted_at: datetime | None = None


class StoredDelivery(StoredFields):
    """One message that carried the code of a challenge."""

    request_id: str
    challenge_id: str
    client_ip_hash: str
    network_hash: str
    is_ipv6: bool
    sent_at: datetime
    attempt_limit: int
    device_id: str | None = None
    uses_own_quota: bool = False
    counters: tuple[StoredAttemptCounter, ...] = ()


class StoredDeviceFailures(StoredFields):
    """The failed attempts in a row of one device."""

    device_id: str
    count: int
    last_failed_at: datetime


class StoredFailures(StoredFields):
    """The failed attempts in a row of the phone, and of each device."""

    in_a_row: int = 0
    last_failed_at: datetime | None = None
    by_device: tuple[StoredDeviceFailures, ...] = ()


class StoredTrustedIp(StoredFields):
    """A client IP from which the phone signed in."""

    client_ip_hash: str
    last_login_at: datetime


class StoredPhoneVerification(StoredFields):
    """The body in table `phone_verifications`."""

    challenges: tuple[StoredChallenge, ...] = ()
    deliveries: tuple[StoredDelivery, ...] = ()
    shared_attempts: tuple[datetime, ...] = ()
    failures: StoredFailures = field(default_factory=StoredFailures)
    trusted_ips: tuple[StoredTrustedIp, ...] = ()
    identity_id: str | None = None
    blocked_at: datetime | None = None
    encrypted_phone: bytes | None = None


class PhoneVerificationMapping(RecordMapping[PhoneVerification, StoredPhoneVerification]):
    """Maps what is known about a phone."""

    stored_type: type[StoredPhoneVerification] = StoredPhoneVerification

    def __init__(self, client_ip_hashes: ClientIpHashes) -> None:
        """Take what hashes the client IPs that schema version 1 stored as they are."""
        super().__init__([partial(_hash_client_ips, client_ip_hashes), _count_on_request_ids])

    def to_stored(self, value: PhoneVerification) -> StoredPhoneVerification:
        """Return the stored form of a phone verification."""
        return StoredPhoneVerification(
            challenges=tuple([_challenge_to_stored(challenge) for challenge in value.challenges]),
            deliveries=tuple([_delivery_to_stored(delivery) for delivery in value.deliveries]),
            shared_attempts=value.shared_attempts,
            failures=_failures_to_stored(value.failures),
            trusted_ips=tuple(
                [
                    StoredTrustedIp(
                        client_ip_hash=trusted_ip.client_ip_hash,
                        last_login_at=trusted_ip.last_login_at,
                    )
                    for trusted_ip in value.trusted_ips
                ]
            ),
            identity_id=value.identity_id,
            blocked_at=value.blocked_at,
        )

    def to_domain(self, stored: StoredPhoneVerification) -> PhoneVerification:
        """Return the phone verification of a stored form."""
        return PhoneVerification(
            challenges=tuple([_challenge_to_domain(challenge) for challenge in stored.challenges]),
            deliveries=tuple([_delivery_to_domain(delivery) for delivery in stored.deliveries]),
            shared_attempts=stored.shared_attempts,
            failures=_failures_to_domain(stored.failures),
            trusted_ips=tuple(
                [
                    TrustedIp(
                        client_ip_hash=trusted_ip.client_ip_hash,
                        last_login_at=trusted_ip.last_login_at,
                    )
                    for trusted_ip in stored.trusted_ips
                ]
            ),
            identity_id=stored.identity_id,
            blocked_at=stored.blocked_at,
        )


def _challenge_to_stored(challenge: Challenge) -> StoredChallenge:
    login = challenge.login
    return StoredChallenge(
        id=challenge.id,
        purpose=_PURPOSE_NAMES[challenge.purpose],
        nonce=challenge.nonce,
        key_id=challenge.key_id,
        created_at=challenge.created_at,
        expires_at=challenge.expires_at,
        used_at=challenge.used_at,
        login=None
        if login is None
        else StoredLogin(
            identity_id=login.identity_id,
            session_id=login.session_id,
            request_id=login.request_id,
        ),
    )


def _challenge_to_domain(challenge: StoredChallenge) -> Challenge:
    login = challenge.login
    return Challenge(
        id=challenge.id,
        purpose=_PURPOSES[challenge.purpose],
        nonce=challenge.nonce,
        key_id=challenge.key_id,
        created_at=challenge.created_at,
        expires_at=challenge.expires_at,
        used_at=challenge.used_at,
        login=Login(login.identity_id, login.session_id, login.request_id) if login else None,
    )


def _delivery_to_stored(delivery: Delivery) -> StoredDelivery:
    return StoredDelivery(
        request_id=delivery.request_id,
        challenge_id=delivery.challenge_id,
        client_ip_hash=delivery.client_ip.ip,
        network_hash=delivery.client_ip.network,
        is_ipv6=delivery.client_ip.is_ipv6,
        sent_at=delivery.sent_at,
        attempt_limit=delivery.attempt_limit,
        device_id=delivery.device_id,
        uses_own_quota=delivery.uses_own_quota,
        counters=tuple([_counter_to_stored(counter) for counter in delivery.counters]),
    )


def _delivery_to_domain(delivery: StoredDelivery) -> Delivery:
    return Delivery(
        request_id=delivery.request_id,
        challenge_id=delivery.challenge_id,
        client_ip=HashedClientIp(delivery.client_ip_hash, delivery.network_hash, delivery.is_ipv6),
        sent_at=delivery.sent_at,
        attempt_limit=delivery.attempt_limit,
        device_id=delivery.device_id,
        uses_own_quota=delivery.uses_own_quota,
        counters=tuple([_counter_to_domain(counter) for counter in delivery.counters]),
    )


def _counter_to_stored(counter: AttemptCounter) -> StoredAttemptCounter:
    return StoredAttemptCounter(
        kind=_COUNTER_KIND_NAMES[counter.kind],
        id=counter.id,
        limit=counter.limit,
        used=counter.used,
        last_digest=counter.last_digest,
        last_counted_at=counter.last_counted_at,
    )


def _counter_to_domain(counter: StoredAttemptCounter) -> AttemptCounter:
    return AttemptCounter(
        kind=_COUNTER_KINDS[counter.kind],
        id=counter.id,
        limit=counter.limit,
        used=counter.used,
        last_digest=counter.last_digest,
        last_counted_at=counter.last_counted_at,
    )


def _failures_to_stored(failures: Failures) -> StoredFailures:
    return StoredFailures(
        in_a_row=failures.in_a_row,
        last_failed_at=failures.last_failed_at,
        by_device=tuple(
            [
                StoredDeviceFailures(
                    device_id=device.device_id,
                    count=device.count,
                    last_failed_at=device.last_failed_at,
                )
                for device in failures.by_device
            ]
        ),
    )


def _failures_to_domain(failures: StoredFailures) -> Failures:
    return Failures(
        in_a_row=failures.in_a_row,
        last_failed_at=failures.last_failed_at,
        by_device=tuple(
            [
                DeviceFailures(
                    device_id=device.device_id,
                    count=device.count,
                    last_failed_at=device.last_failed_at,
                )
                for device in failures.by_device
            ]
        ),
    )


def _hash_client_ips(client_ip_hashes: ClientIpHashes, fields: Fields) -> Fields:
    """Turn the fields of schema version 1, with client IPs as they are, into those of version 2."""
    for delivery in fields["deliveries"]:
        hashed = client_ip_hashes.hash_client_ip(delivery.pop("client_ip"))
        delivery["client_ip_hash"] = hashed.ip
        delivery["network_hash"] = hashed.network
        delivery["is_ipv6"] = hashed.is_ipv6
    for named in (*fields["unbound_attempts"]["by_ip"], *fields["trusted_ips"]):
        named["client_ip_hash"] = client_ip_hashes.hash_client_ip(named.pop("client_ip")).ip
    return fields


def _count_on_request_ids(fields: Fields) -> Fields:
    """Turn the fields of schema version 2, which counts for a delivery, into those of version 3."""
    for delivery in fields["deliveries"]:
        delivery["attempt_limit"] = ATTEMPTS_PER_DELIVERY
        delivery["uses_own_quota"] = delivery.pop("uses_trusted_ip_quota")
        delivery["counters"] = [
            {
                "kind": _COUNTER_KIND_NAMES[CounterKind.FIRST_REQUEST],
                "id": delivery["request_id"],
                "limit": ATTEMPTS_PER_DELIVERY,
                "used": used,
            }
            for used in [delivery.pop("attempts_used")]
            if used
        ]
    fields["shared_attempts"] = fields.pop("unbound_attempts")["shared"]
    return fields


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
        phone, user = value.phone, value.user
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
        )

    def to_domain(self, stored: StoredIdentity) -> Identity:
        """Return the identity of a stored form, with its phone decrypted."""
        phone, user = stored.encrypted_phone, stored.user
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


class StoredImage(StoredFields):
    """The image of a media item, in pixels and bytes."""

    format: ImageFormatName
    width: int
    height: int
    size_bytes: int


class StoredMediaItem(StoredFields):
    """The body in table `media_items`."""

    id: str
    storage_key: str
    owner_id: str
    image: StoredImage
    created_at: datetime
    state: StateName
    upload_deadline: datetime
    category: str | None = None
    deletion_requested_at: datetime | None = None


class MediaItemMapping(RecordMapping[MediaItem, StoredMediaItem]):
    """Maps the items of the library."""

    stored_type: type[StoredMediaItem] = StoredMediaItem

    def to_stored(self, value: MediaItem) -> StoredMediaItem:
        """Return the stored form of a media item."""
        image = value.image
        return StoredMediaItem(
            id=value.id,
            storage_key=value.storage_key,
            owner_id=value.owner_id,
            image=StoredImage(
                format=_IMAGE_FORMAT_NAMES[image.format],
                width=image.width,
                height=image.height,
                size_bytes=image.bytes,
            ),
            category=value.category,
            created_at=value.created_at,
            state=_STATE_NAMES[value.state],
            upload_deadline=value.upload_deadline,
            deletion_requested_at=value.deletion_requested_at,
        )

    def to_domain(self, stored: StoredMediaItem) -> MediaItem:
        """Return the media item of a stored form."""
        image = stored.image
        return MediaItem(
            id=stored.id,
            storage_key=stored.storage_key,
            owner_id=stored.owner_id,
            image=Image(
                format=_IMAGE_FORMATS[image.format],
                width=image.width,
                height=image.height,
                bytes=image.size_bytes,
            ),
            category=stored.category,
            created_at=stored.created_at,
            state=_STATES[stored.state],
            upload_deadline=stored.upload_deadline,
            deletion_requested_at=stored.deletion_requested_at,
        )


def to_microseconds(time: datetime) -> int:
    """Return a time as columns store it: microseconds since 1970, exact and in order."""
    return (time - _EPOCH) // _MICROSECOND


def to_datetime(microseconds: int) -> datetime:
    """Return the time of a column."""
    return _EPOCH + microseconds * _MICROSECOND


def to_microseconds_or_none(time: datetime | None) -> int | None:
    """Return an optional time as columns store it."""
    return None if time is None else to_microseconds(time)
