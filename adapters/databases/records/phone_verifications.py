"""The stored form of phone verifications."""

from datetime import datetime

import msgspec

from adapters.databases.records.record_kind import Record
from domain.otp.attempt_counter import ClientKind
from domain.otp.challenge import Purpose
from domain.otp.delivery import Channel
from domain.otp.permits import LimitOwner, Recognition


class LoginRecord(msgspec.Struct, gc=False):
    """The login that the code of a challenge was used for."""

    identity_id: str
    session_id: str
    request_id: str | None = None
    claims: str = ""


class AttemptCounterRecord(msgspec.Struct, gc=False):
    """The failed attempts of a client at a code."""

    kind: ClientKind
    id: str
    used: int
    last_digest: str
    last_failed_at: datetime


class ChallengeRecord(msgspec.Struct, kw_only=True, gc=False):
    """A challenge; its code is derived and never stored."""

    id: str
    purpose: Purpose
    nonce: bytes
    key_id: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    login: LoginRecord | None = None
    identity_id: str | None = None
    counters: tuple[AttemptCounterRecord, ...] = ()


class ClientIpRecord(msgspec.Struct, gc=False):
    """Keyed hashes of a client IP and of its network."""

    ip: str
    network: str
    is_ipv6: bool = False


class JoinedRequestRecord(msgspec.Struct, gc=False):
    """A request within the cooldown of a delivery."""

    id: str
    network: str
    is_recognized: bool = False


class PermitsRecord(msgspec.Struct, gc=False):
    """When the permits of a delivery were acquired, and of whose limits."""

    acquired_at: datetime
    owner: LimitOwner


class DeliveryRecord(msgspec.Struct, gc=False):
    """A message or a call with the code of a challenge."""

    request_id: str
    challenge_id: str
    client_ip: ClientIpRecord
    sent_at: datetime
    channel: Channel
    provider: str
    joined: tuple[JoinedRequestRecord, ...] = ()
    device_id: str | None = None
    uses_own_quota: bool = False
    call_id: str | None = None
    permits: PermitsRecord | None = None
    rejection: str = ""
    unknown_reason: str | None = None
    is_reset: bool = False
    fell_back: str = ""


class ChallengesRecord(msgspec.Struct, gc=False):
    """The challenges of a phone."""

    all: tuple[ChallengeRecord, ...] = ()


class DeliveriesRecord(msgspec.Struct, gc=False):
    """The deliveries to a phone."""

    all: tuple[DeliveryRecord, ...] = ()


class ClientFailuresRecord(msgspec.Struct, gc=False):
    """The failed attempts in a row of a recognized device or IP."""

    client_id: str
    count: int
    last_failed_at: datetime


class FailuresRecord(msgspec.Struct, gc=False):
    """The failed attempts in a row of strangers, and of each recognized client."""

    in_a_row: int = 0
    last_failed_at: datetime | None = None
    by_client: tuple[ClientFailuresRecord, ...] = ()


class RejectionRecord(msgspec.Struct, gc=False):
    """A request for a code that was rejected before any provider was called."""

    at: datetime
    channel: Channel
    limit: str
    owner: str = ""
    until: datetime | None = None
    recognition: Recognition = Recognition.NONE
    has_proof: bool = False
    provider: str = ""
    cause: str = ""


class TrustedIpRecord(msgspec.Struct, gc=False):
    """A client IP from which the phone logged in."""

    client_ip_hash: str
    last_login_at: datetime


class CallLocaleRecord(msgspec.Struct, gc=False):
    """The locale that was chosen in a call of the phone."""

    tag: str
    chosen_at: datetime


class PhoneVerificationRecord(Record, kw_only=True):
    """What is known about a phone. The key of the record is the blind index of the phone.

    `encrypted_phone` is set while the phone is blocked: only with the phone can that move to
    another index key.
    """

    expires_at: datetime | None = None
    client_ips_expire_at: datetime | None = None
    encrypted_phone: bytes | None = None
    challenges: ChallengesRecord = msgspec.field(default_factory=ChallengesRecord)
    deliveries: DeliveriesRecord = msgspec.field(default_factory=DeliveriesRecord)
    failures: FailuresRecord = msgspec.field(default_factory=FailuresRecord)
    limit_resets: tuple[datetime, ...] = ()
    trusted_ips: tuple[TrustedIpRecord, ...] = ()
    identity_id: str | None = None
    blocked_at: datetime | None = None
    call_locale: CallLocaleRecord | None = None
    rejections: tuple[RejectionRecord, ...] = ()
    imported_id: str | None = None

    @property
    def has_phone(self) -> bool:
        return self.blocked_at is not None

    @property
    def encrypted_phones(self) -> list[bytes]:
        return [self.encrypted_phone] if self.encrypted_phone is not None else []
