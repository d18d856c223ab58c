"""The stored form of phone verifications."""

from datetime import datetime
from typing import Final

import msgspec

from adapters.databases.records.record_kind import Record
from adapters.databases.records.retention import Retention
from domain.otp.attempts import FAILURES_TTL
from domain.otp.challenge import ClientKind, Purpose
from domain.otp.delivery import Channel
from domain.otp.permits import Clients, Recognition
from domain.otp.phone_verification import MAX_TRUSTED_IPS, TRUSTED_IP_TTL


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
    clients: Clients


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
    clients: str = ""
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


PHONE_VERIFICATION_RETENTION: Final = (
    Retention(
        "keyed hash of a phone number; its account",
        "id identity_id imported_id expires_at client_ips_expire_at",
        "as long as the account, a block, or the next rows",
        "find codes and limits",
    ),
    Retention(
        "blocked number, encrypted, and since when",
        "encrypted_phone blocked_at",
        "as long as the block",
        "the block outlives a change of the keys",
        "operator",
        "`sign_in.json`: the time",
    ),
    Retention(
        "codes, without the code: when, what for, and the login",
        "challenges(all(id purpose nonce key_id created_at expires_at used_at identity_id"
        " login(identity_id session_id request_id claims)))",
        "one day at most",
        "check codes, repeat logins",
    ),
    Retention(
        "who tried a code: client IP or network, hashed, request id or device",
        "challenges(all(counters(kind id used last_digest last_failed_at)))",
        "as long as the code: five minutes, or one after its use",
        "limits of attempts",
    ),
    Retention(
        "messages and calls with codes: when, way, result, device; client IP and networks of"
        " requests, hashed",
        "deliveries(all(request_id challenge_id client_ip(ip network is_ipv6) sent_at channel"
        " provider joined(id network is_recognized) device_id uses_own_quota call_id"
        " permits(acquired_at clients) rejection unknown_reason is_reset fell_back))",
        "one day; one hour if no provider accepted it",
        "limits of messages",
        export="`sign_in.json`",
    ),
    Retention(
        "failed attempts in a row: of the number, its devices, its client IPs, hashed",
        "failures(in_a_row last_failed_at by_client(client_id count last_failed_at))",
        f"until a success, or {FAILURES_TTL.days} days after the last",
        "limits of attempts",
        "login, cleanup",
        "`sign_in.json`",
    ),
    Retention(
        "client IPs of logins, hashed",
        "trusted_ips(client_ip_hash last_login_at)",
        f"{TRUSTED_IP_TTL.days} days after the last login; at most {MAX_TRUSTED_IPS}",
        "strangers cannot use up the owner's limits",
        export="`sign_in.json`: the times",
    ),
    Retention(
        "language chosen in a call",
        "call_locale(tag chosen_at)",
        "a year; until the number changes its account",
        "the next call is in it",
        export="`sign_in.json`",
    ),
    Retention(
        "when operators reset limits",
        "limit_resets",
        "one day",
        "at most two a day",
        export="`sign_in.json`",
    ),
    Retention(
        "rejected requests for a code: when, why, how the client was recognized",
        "rejections(at channel limit clients until recognition has_proof provider cause)",
        "one day; until the number changes its account; at most ten",
        "support sees why no code arrives",
        export="`sign_in.json`",
    ),
)
