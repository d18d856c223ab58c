"""The stored schema of phone verifications."""

from datetime import datetime
from typing import ClassVar, Literal

from adapters.mongo.documents.base import NestedValue, RecordDocument, index, only_with


class LoginFields(NestedValue):
    """The login that the code of a challenge was used for."""

    identity_id: str
    session_id: str
    request_id: str | None = None


class ChallengeFields(NestedValue):
    """A challenge; its code is derived and never stored."""

    item_key: ClassVar = ("id",)

    id: str
    purpose: Literal["sign_in"]
    nonce: bytes
    key_id: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    login: LoginFields | None = None


class AttemptCounterFields(NestedValue):
    """The attempts of a request id, an IP or a device at one delivery; `id` is unique in it."""

    item_key: ClassVar = ("kind", "id")

    kind: Literal[
        "first_request",
        "later_request",
        "device_request",
        "ip",
        "unknown_ip",
        "device",
        "callback",
    ]
    id: str
    limit: int
    used: int
    last_digest: str | None = None
    last_counted_at: datetime | None = None


class DeliveryFields(NestedValue):
    """A message or a call with the code of a challenge."""

    item_key: ClassVar = ("request_id",)

    request_id: str
    challenge_id: str
    client_ip_hash: str
    network_hash: str
    is_ipv6: bool
    sent_at: datetime
    attempt_limit: int
    device_id: str | None = None
    uses_own_quota: bool
    counters: list[AttemptCounterFields]
    channel: Literal["sms", "voice"] = "sms"
    call_id: str | None = None


class CallbackFields(NestedValue):
    """A call with a code, because somebody asked for it by calling."""

    item_key: ClassVar = ("call_id",)

    challenge: ChallengeFields
    requested_at: datetime
    call_id: str
    counter: AttemptCounterFields


class DeviceFailuresFields(NestedValue):
    """The failed attempts in a row of a device."""

    item_key: ClassVar = ("device_id",)

    device_id: str
    count: int
    last_failed_at: datetime


class FailuresFields(NestedValue):
    """The failed attempts in a row of the phone, and of each device."""

    in_a_row: int
    last_failed_at: datetime | None = None
    by_device: list[DeviceFailuresFields]


class TrustedIpFields(NestedValue):
    """An IP from which the phone signed in."""

    client_ip_hash: str
    last_login_at: datetime


class PhoneVerificationDocument(RecordDocument):
    """A phone verification; `id` is the blind index of the phone.

    `expires_at` is missing while the phone belongs to an identity or is blocked,
    `client_ips_expire_at` while no client IP is in it, and `encrypted_phone` unless the phone is
    blocked.
    """

    expires_at: datetime | None = None
    client_ips_expire_at: datetime | None = None
    identity_id: str | None = None
    blocked_at: datetime | None = None
    encrypted_phone: bytes | None = None
    challenges: list[ChallengeFields]
    deliveries: list[DeliveryFields]
    shared_attempts: list[datetime]
    failures: FailuresFields
    trusted_ips: list[TrustedIpFields]
    callbacks: list[CallbackFields] = []  # noqa: RUF012 - pydantic copies it

    class Settings:
        """Collection and indexes."""

        name = "phone_verifications"
        indexes: ClassVar = [
            index("phone_verifications_expires_at", "expires_at", **only_with("expires_at")),
            index(
                "phone_verifications_client_ips_expire_at",
                "client_ips_expire_at",
                **only_with("client_ips_expire_at"),
            ),
        ]
