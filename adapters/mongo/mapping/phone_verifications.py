"""The mapping of phone verifications."""

from typing import Final

from adapters.mongo.documents.phone_verifications import (
    AttemptCounterFields,
    CallbackFields,
    ChallengeFields,
    DeliveryFields,
    FailuresFields,
    PhoneVerificationDocument,
    TrustedIpFields,
)
from adapters.mongo.driver import RawDocument
from application.ports.client_ip_hashes import ClientIpHashes
from domain.otp.attempt_counters import ATTEMPTS_PER_DELIVERY, AttemptCounter, CounterKind
from domain.otp.callback import Callback
from domain.otp.challenge import Challenge, Login, Purpose
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Channel, Delivery
from domain.otp.failures import DeviceFailures, Failures
from domain.otp.phone_verification import PhoneVerification, TrustedIp

STORED_PURPOSES: Final = {Purpose.SIGN_IN: "sign_in"}
STORED_COUNTER_KINDS: Final = {
    CounterKind.FIRST_REQUEST: "first_request",
    CounterKind.LATER_REQUEST: "later_request",
    CounterKind.DEVICE_REQUEST: "device_request",
    CounterKind.IP: "ip",
    CounterKind.UNKNOWN_IP: "unknown_ip",
    CounterKind.DEVICE: "device",
    CounterKind.CALLBACK: "callback",
}
STORED_CHANNELS: Final = {Channel.SMS: "sms", Channel.VOICE: "voice"}

_PURPOSES: Final = {stored: purpose for purpose, stored in STORED_PURPOSES.items()}
_COUNTER_KINDS: Final = {stored: kind for kind, stored in STORED_COUNTER_KINDS.items()}
_CHANNELS: Final = {stored: channel for channel, stored in STORED_CHANNELS.items()}


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
        callbacks=tuple(map(_decode_callback, stored.callbacks)),
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
        "callbacks": [_encode_callback(callback) for callback in record.callbacks] or None,
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
        channel=_CHANNELS[stored.channel],
        call_id=stored.call_id,
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
        "channel": STORED_CHANNELS[delivery.channel],
        "call_id": delivery.call_id,
    }


def _decode_callback(stored: CallbackFields) -> Callback:
    return Callback(
        challenge=_decode_challenge(stored.challenge),
        requested_at=stored.requested_at,
        call_id=stored.call_id,
        counter=_decode_counter(stored.counter),
    )


def _encode_callback(callback: Callback) -> RawDocument:
    return {
        "challenge": _encode_challenge(callback.challenge),
        "requested_at": callback.requested_at,
        "call_id": callback.call_id,
        "counter": _encode_counter(callback.counter),
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
