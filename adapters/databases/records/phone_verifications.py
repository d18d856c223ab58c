"""The stored form of phone verifications."""

from datetime import datetime
from typing import Final

import msgspec

from adapters.databases.records.record_kind import Record
from adapters.databases.records.retention import Retention
from domain.otp.attempts import FAILURES_TTL, Failures
from domain.otp.challenge import MessageChallenges
from domain.otp.delivery import Deliveries
from domain.otp.delivery_policy import Rejection
from domain.otp.phone_verification import MAX_TRUSTED_IPS, TRUSTED_IP_TTL, CallLocale, TrustedIp


class PhoneVerificationRecord(Record, kw_only=True):
    """What is known about a phone. The key of the record is the blind index of the phone.

    `encrypted_phone` is set while the phone is blocked: only with the phone can that move to
    another index key.
    """

    expires_at: datetime | None = None
    client_ips_expire_at: datetime | None = None
    encrypted_phone: bytes | None = None
    challenges: MessageChallenges = msgspec.field(default_factory=MessageChallenges)
    deliveries: Deliveries = msgspec.field(default_factory=Deliveries)
    failures: Failures = msgspec.field(default_factory=Failures)
    limit_resets: tuple[datetime, ...] = ()
    trusted_ips: tuple[TrustedIp, ...] = ()
    identity_id: str | None = None
    blocked_at: datetime | None = None
    call_locale: CallLocale | None = None
    rejections: tuple[Rejection, ...] = ()
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
        "challenges(all(id purpose nonce key_id created_at expires_at used_at bound_to"
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
        "failed attempts in a row: of the number, its devices, its client IPs, hashed, and of"
        " service tokens",
        "failures(in_a_row last_failed_at by_client(client_id count last_failed_at)"
        " by_token(client_id count last_failed_at))",
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
