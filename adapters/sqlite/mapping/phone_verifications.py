"""The stored form of phone verifications."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final, Literal

from msgspec import field

from adapters.sqlite.record_mapping import Fields, RecordMapping, StoredFields
from application.ports.client_ip_hashes import ClientIpHashes
from domain.otp.attempt_counters import ATTEMPTS_PER_DELIVERY, AttemptCounter, CounterKind
from domain.otp.callback import Callback
from domain.otp.challenge import Challenge, Login, Purpose
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Channel, Delivery
from domain.otp.failures import DeviceFailures, Failures
from domain.otp.phone_verification import PhoneVerification, TrustedIp

PurposeName = Literal["sign_in"]
CounterKindName = Literal[
    "first_request", "later_request", "device_request", "ip", "unknown_ip", "device", "callback"
]
ChannelName = Literal["sms", "voice"]

_PURPOSES: Final[Mapping[PurposeName, Purpose]] = {"sign_in": Purpose.SIGN_IN}
_COUNTER_KINDS: Final[Mapping[CounterKindName, CounterKind]] = {
    "first_request": CounterKind.FIRST_REQUEST,
    "later_request": CounterKind.LATER_REQUEST,
    "device_request": CounterKind.DEVICE_REQUEST,
    "ip": CounterKind.IP,
    "unknown_ip": CounterKind.UNKNOWN_IP,
    "device": CounterKind.DEVICE,
    "callback": CounterKind.CALLBACK,
}
_CHANNELS: Final[Mapping[ChannelName, Channel]] = {"sms": Channel.SMS, "voice": Channel.VOICE}
_PURPOSE_NAMES: Final = {purpose: name for name, purpose in _PURPOSES.items()}
_COUNTER_KIND_NAMES: Final = {kind: name for name, kind in _COUNTER_KINDS.items()}
_CHANNEL_NAMES: Final = {channel: name for name, channel in _CHANNELS.items()}


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
    """One message or call that carried the code of a challenge."""

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
    channel: ChannelName = "sms"
    call_id: str | None = None


class StoredCallback(StoredFields):
    """A call with a code, because somebody asked for it by calling."""

    challenge: StoredChallenge
    requested_at: datetime
    call_id: str
    counter: StoredAttemptCounter


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
    callbacks: tuple[StoredCallback, ...] = ()


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
            callbacks=tuple([_callback_to_stored(callback) for callback in value.callbacks]),
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
            callbacks=tuple([_callback_to_domain(callback) for callback in stored.callbacks]),
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
        channel=_CHANNEL_NAMES[delivery.channel],
        call_id=delivery.call_id,
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
        channel=_CHANNELS[delivery.channel],
        call_id=delivery.call_id,
    )


def _callback_to_stored(callback: Callback) -> StoredCallback:
    return StoredCallback(
        challenge=_challenge_to_stored(callback.challenge),
        requested_at=callback.requested_at,
        call_id=callback.call_id,
        counter=_counter_to_stored(callback.counter),
    )


def _callback_to_domain(callback: StoredCallback) -> Callback:
    return Callback(
        challenge=_challenge_to_domain(callback.challenge),
        requested_at=callback.requested_at,
        call_id=callback.call_id,
        counter=_counter_to_domain(callback.counter),
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
