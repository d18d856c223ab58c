"""The stored form of phone verifications, and of attempts while no challenge is active."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal

import msgspec

from adapters.records.mapping import RecordMapping
from adapters.records.permits import PermitsRecord
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.record_kind import Record, RecordKind
from domain.otp.challenge import Challenge, Purpose
from domain.otp.delivery import Channel, Delivery
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rejection import Rejection
from domain.phone import PhoneNumber

_OF_PHONE_CHANGES: Final = (Purpose.CHANGE_PHONE, Purpose.UNDO_PHONE_CHANGE)


class LoginRecord(msgspec.Struct, gc=False):
    """The login that the code of a challenge was used for."""

    identity_id: str
    session_id: str
    request_id: str | None = None
    claims: str = ""


class _ChallengeRecord(msgspec.Struct, kw_only=True, gc=False):
    """A challenge for any purpose; its code is derived and never stored."""

    id: str
    nonce: bytes
    key_id: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    login: LoginRecord | None = None


class ChallengeRecord(_ChallengeRecord, kw_only=True, gc=False):
    """A challenge whose code signs in."""

    purpose: Literal["sign_in"]


class PhoneChangeChallengeRecord(_ChallengeRecord, kw_only=True, gc=False):
    """A challenge whose code changes a phone, or undoes that.

    It is not among the others: 0.1.0 cannot read its purpose.
    """

    purpose: Literal["change_phone", "undo_phone_change"]
    identity_id: str | None = None


class ConsoleChallengeRecord(_ChallengeRecord, kw_only=True, gc=False):
    """A challenge whose code signs in to the web console. It is apart for the same reason."""

    purpose: Literal["console_sign_in"]


class AttemptCounterRecord(msgspec.Struct, gc=False):
    """The attempts of a request id, an IP or a device at one delivery."""

    kind: Literal[
        "first_request",
        "later_request",
        "device_request",
        "ip",
        "unknown_ip",
        "device",
        "callback",
        "network",
    ]
    id: str
    limit: int
    used: int = 0
    last_digest: str | None = None
    last_counted_at: datetime | None = None


class ClientIpRecord(msgspec.Struct, gc=False):
    """Keyed hashes of a client IP and of its network."""

    ip: str
    network: str
    is_ipv6: bool = False


class DeliveryRecord(msgspec.Struct, gc=False):
    """A message or a call with the code of a challenge."""

    request_id: str
    challenge_id: str
    client_ip: ClientIpRecord
    sent_at: datetime
    attempt_limit: int
    device_id: str | None = None
    uses_own_quota: bool = False
    counters: tuple[AttemptCounterRecord, ...] = ()
    channel: Literal["sms", "voice"] = "sms"
    call_id: str | None = None
    permits: PermitsRecord | None = None
    provider: str = ""
    rejection: str = ""
    is_suppressed: bool = False
    is_reset: bool = False
    is_granted: bool = False


class UnknownDeliveryRecord(msgspec.Struct, gc=False):
    """A delivery whose result is unknown.

    It is not a field of the delivery: 0.1.0 would drop it there.
    """

    request_id: str
    reason: str = ""


class OperatorCodeRecord(msgspec.Struct, gc=False):
    """A code that an operator sent, with the attempts of networks at it."""

    request_id: str
    sent_at: datetime
    attempt_limit: int
    counters: tuple[AttemptCounterRecord, ...] = ()


class RejectionRecord(msgspec.Struct, gc=False):
    """A request for a code that was rejected before any provider was called."""

    at: datetime
    channel: Literal["sms", "voice"]
    limit: str
    part: str = ""
    until: datetime | None = None
    recognition: Literal["none", "trusted_ip", "device"] = "none"
    has_proof: bool = False


class CallbackRecord(msgspec.Struct, gc=False):
    """A call with a code, because somebody asked for it by calling."""

    challenge: ChallengeRecord
    requested_at: datetime
    call_id: str
    counter: AttemptCounterRecord
    permits: PermitsRecord | None = None


class DeviceFailuresRecord(msgspec.Struct, gc=False):
    """The failed attempts in a row of a device."""

    device_id: str
    count: int
    last_failed_at: datetime


class FailuresRecord(msgspec.Struct, gc=False):
    """The failed attempts in a row of the phone, and of each device."""

    in_a_row: int = 0
    last_failed_at: datetime | None = None
    by_device: tuple[DeviceFailuresRecord, ...] = ()


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

    `encrypted_phone` is set while the phone is blocked, or held for the identity that had it: only
    with the phone can that move to another index key.

    What goes by WhatsApp is stored with the channel `sms`, because a program of before reads no
    other: `whatsapp_request_ids` names its deliveries, and `whatsapp_rejected_at` has the times of
    those that were rejected.
    """

    expires_at: datetime | None = None
    client_ips_expire_at: datetime | None = None
    identity_id: str | None = None
    blocked_at: datetime | None = None
    encrypted_phone: bytes | None = None
    challenges: tuple[ChallengeRecord, ...] = ()
    deliveries: tuple[DeliveryRecord, ...] = ()
    shared_attempts: tuple[datetime, ...] = ()
    failures: FailuresRecord = msgspec.field(default_factory=FailuresRecord)
    trusted_ips: tuple[TrustedIpRecord, ...] = ()
    callbacks: tuple[CallbackRecord, ...] = ()
    call_locale: CallLocaleRecord | None = None
    rejected_callbacks: tuple[datetime, ...] = ()
    limit_resets: tuple[datetime, ...] = ()
    has_granted_delivery: bool = False
    phone_change_challenges: tuple[PhoneChangeChallengeRecord, ...] = ()
    console_challenges: tuple[ConsoleChallengeRecord, ...] = ()
    imported_id: str | None = None
    previous_identity_id: str | None = None
    undo_until: datetime | None = None
    unknown_deliveries: tuple[UnknownDeliveryRecord, ...] = ()
    operator_codes: tuple[OperatorCodeRecord, ...] = ()
    rejections: tuple[RejectionRecord, ...] = ()
    whatsapp_request_ids: tuple[str, ...] = ()
    whatsapp_rejected_at: tuple[datetime, ...] = ()

    @property
    def has_phone(self) -> bool:
        """Whether its phone is kept with it."""
        return self.blocked_at is not None or self.previous_identity_id is not None

    @property
    def encrypted_phones(self) -> list[bytes]:
        """Its phone, if it is kept with it."""
        return [self.encrypted_phone] if self.encrypted_phone is not None else []


class PhoneVerificationMapping(RecordMapping[PhoneVerification, PhoneVerificationRecord]):
    """The mapping of phone verifications.

    It keeps challenges of other purposes apart, and which deliveries go by WhatsApp.
    """

    def __init__(self, kind: RecordKind[PhoneVerificationRecord]) -> None:
        """Take the kind."""
        super().__init__(kind, PhoneVerification)

    def to_record(self, value: PhoneVerification) -> PhoneVerificationRecord:
        """Return the record of a verification, without its phone."""
        stored = replace(value, challenges=value.challenges_for(Purpose.SIGN_IN))
        by_whatsapp = [each for each in value.deliveries if each.channel is Channel.WHATSAPP]
        rejected = [each.at for each in value.rejections if each.channel is Channel.WHATSAPP]
        if by_whatsapp or rejected:
            stored = _store_as_sms(stored)
        record = super().to_record(stored)
        record.whatsapp_request_ids = tuple(
            each.request_id for each in by_whatsapp if not each.is_rejected
        )
        record.whatsapp_rejected_at = (
            *(each.sent_at for each in by_whatsapp if each.is_rejected),
            *rejected,
        )
        of_phone_changes = [each for each in value.challenges if each.purpose in _OF_PHONE_CHANGES]
        record.phone_change_challenges = msgspec.convert(
            of_phone_changes, tuple[PhoneChangeChallengeRecord, ...], from_attributes=True
        )
        record.console_challenges = msgspec.convert(
            value.challenges_for(Purpose.CONSOLE_SIGN_IN),
            tuple[ConsoleChallengeRecord, ...],
            from_attributes=True,
        )
        # Those of all challenges.
        record.expires_at = value.expires_at
        record.client_ips_expire_at = value.client_ips_expire_at
        return record

    def to_record_of(
        self,
        value: PhoneVerification,
        phone: PhoneNumber,
        phone_index: str,
        encryption: PhoneEncryption,
    ) -> PhoneVerificationRecord:
        """Return the record of a verification, with the phone if it is to be kept with it."""
        record = self.to_record(value)
        if record.has_phone:
            record.encrypted_phone = encryption.encrypt(phone, phone_index)
        return record

    def to_value(self, record: PhoneVerificationRecord) -> PhoneVerification:
        """Return the verification of a record, with challenges and channels of all kinds.

        Raises:
            CorruptRecord
        """
        verification = super().to_value(record)
        if record.whatsapp_request_ids or record.whatsapp_rejected_at:
            verification = _restore_whatsapp(verification, record)
        stored = (*record.phone_change_challenges, *record.console_challenges)
        if not stored:
            return verification
        others = msgspec.convert(stored, tuple[Challenge, ...], from_attributes=True)
        return replace(verification, challenges=(*verification.challenges, *others))


def _store_as_sms(value: PhoneVerification) -> PhoneVerification:
    """Return the verification with the channel `sms` in the place of `whatsapp`."""
    return _set_channels(
        value,
        lambda delivery: delivery.channel is Channel.WHATSAPP,
        lambda rejection: rejection.channel is Channel.WHATSAPP,
        Channel.SMS,
    )


def _restore_whatsapp(
    value: PhoneVerification, record: PhoneVerificationRecord
) -> PhoneVerification:
    """Return the verification with the channel `whatsapp` where its record names it."""
    request_ids, rejected_at = set(record.whatsapp_request_ids), set(record.whatsapp_rejected_at)

    def is_named(delivery: Delivery) -> bool:
        if delivery.is_rejected:
            return delivery.channel is Channel.SMS and delivery.sent_at in rejected_at
        return delivery.request_id in request_ids

    return _set_channels(
        value,
        is_named,
        lambda rejection: rejection.channel is Channel.SMS and rejection.at in rejected_at,
        Channel.WHATSAPP,
    )


def _set_channels(
    value: PhoneVerification,
    selects_delivery: Callable[[Delivery], bool],
    selects_rejection: Callable[[Rejection], bool],
    channel: Channel,
) -> PhoneVerification:
    return replace(
        value,
        deliveries=tuple(
            replace(delivery, channel=channel) if selects_delivery(delivery) else delivery
            for delivery in value.deliveries
        ),
        rejections=tuple(
            replace(rejection, channel=channel) if selects_rejection(rejection) else rejection
            for rejection in value.rejections
        ),
    )


class UnchallengedAttemptRecord(msgspec.Struct, gc=False):
    """An attempt, and what identifies its code."""

    digest: str
    attempted_at: datetime


class UnchallengedAttemptsRecord(Record, kw_only=True):
    """The attempts of an IP at a phone while no challenge of the phone is active."""

    id: str
    expires_at: datetime
    attempts: tuple[UnchallengedAttemptRecord, ...] = ()
