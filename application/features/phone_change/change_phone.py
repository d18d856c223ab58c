"""Change the phone of an identity: request the codes, and give them back."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from application.features.phone_change.complete import BeginPhoneChange, CompletePhoneChange
from application.otp.check_otp import CheckedOtp, CheckOtp, CheckOtpCommand
from application.otp.events import OtpVerificationFailed
from application.otp.request_otp import RequestOtp, RequestOtpCommand, RequestOtpResult
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.principal import Principal
from application.record_act import RecordAct
from domain.administration.audit import Actor, ActorKind, AuditAction
from domain.errors import (
    ConflictingValue,
    IncorrectOtp,
    PhoneInUse,
    ReauthenticationRequired,
    Unauthenticated,
    UserNotFound,
)
from domain.identities.device_token import DeviceToken
from domain.identities.identity import Identity, UsedChallenge
from domain.identities.phone_change import PhoneChange
from domain.otp.attempts import Correct
from domain.otp.challenge import OtpCode, Purpose
from domain.otp.delivery import Channel, ValidDeviceToken
from domain.otp.messages import MessagePreferences
from domain.otp.otp_request import Proof
from domain.otp.sliding_window import CLOCK_SKEW
from domain.phone import PhoneNumber

PRESENT_NUMBER: Final = "This is your number already."


class OldOtpRequired(ReauthenticationRequired):
    """A user changes the number with a code of the present one too, however fresh the login is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPhoneChangeOtpCommand:
    """A request for a code. `phone` is None for a code to the present number."""

    phone: PhoneNumber | None
    client_ip: str
    device_token: DeviceToken | None = None
    preferences: MessagePreferences = field(default_factory=MessagePreferences)
    can_send_proof: bool = False
    proof: Proof | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPhoneChangeOtp:
    """Send a code for a change of the principal's phone, within the limits of a sign-in.

    - Whether somebody has the number makes no difference: requesting a code proves nothing.
    - The device is recognized at the present number, but not at the new one.
    """

    begin: BeginPhoneChange
    request_otp: RequestOtp
    clock: Clock

    async def __call__(
        self, principal: Principal, command: RequestPhoneChangeOtpCommand
    ) -> RequestOtpResult:
        """Send a code.

        Raises:
            ConflictingValue: the number is the present one, or has a fixed code.
        """
        identity, phone = principal.identity, command.phone
        present = _require_phone(identity)
        if phone == present:
            raise ConflictingValue(PRESENT_NUMBER)
        self.begin.check_fixed_code(identity, phone or present)
        return await self.request_otp(
            RequestOtpCommand(
                phone or present,
                command.client_ip,
                Channel.SMS,
                command.preferences,
                known_device=(
                    find_device(principal, command.device_token, self.clock.now())
                    if phone is None
                    else None
                ),
                purpose=Purpose.CHANGE_PHONE,
                bound_to=identity.id,
                session_id=principal.session.id,
                can_send_proof=command.can_send_proof,
                proof=command.proof,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePhoneCommand:
    """The codes of the new and of the present number, for a change of the principal's phone.

    The change needs `old_code`.
    """

    phone: PhoneNumber
    code: OtpCode
    request_id: str
    client_ip: str
    old_code: OtpCode | None = None
    old_request_id: str | None = None
    device_token: DeviceToken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePhone:
    """Give the principal another phone, whose owner has the codes of both.

    - The code of the present number is compared first. If it is wrong, that of the new one is not
      looked at; if it is right, it stays unused until that is right too.
    - A code is used for one change, that of the present number too: after a change that was
      rejected it is wrong. After a lost response or an error of storage the same client sends the
      same codes again, and the change is completed.
    - A number in use is an error after the right codes only.
    - The change and its audit entry are written in an order that `CompletePhoneChange` completes.
      The audit has the change as failed if it ended without an effect, and not after an error of
      storage: what has begun is completed by a retry or the cleanup.
    """

    check_otp: CheckOtp
    begin: BeginPhoneChange
    complete: CompletePhoneChange
    record_act: RecordAct
    clock: Clock
    events: SecurityEvents

    async def __call__(self, principal: Principal, command: ChangePhoneCommand) -> Identity:
        """Change the phone, and return the identity with the new one.

        Raises:
            OldOtpRequired
            IncorrectOtp: one of the codes is wrong; it names the field.
        """
        identity, now = principal.identity, self.clock.now()
        present = _require_phone(identity)
        if command.old_code is None:
            raise OldOtpRequired
        self.begin.check_fixed_code(identity, command.phone)
        if present == command.phone:
            return await self._repeat(identity, command)
        old = CheckOtpCommand(
            phone=present,
            code=command.old_code,
            client_ip=command.client_ip,
            request_id=command.old_request_id,
            known_device=find_device(principal, command.device_token, now),
            purpose=Purpose.CHANGE_PHONE,
            bound_to=identity.id,
        )
        kept = await self._check(replace(old, is_kept=True), "old_otp")
        under_way = identity.phone_change
        is_retry = under_way is not None and under_way.new_phone == command.phone
        if identity.has_used(_to_used_challenge(kept).id) and not is_retry:
            raise IncorrectOtp("old_otp", 0)
        checked = await self._check_new(identity, command)
        checked_old = await self._check(old, "old_otp")
        change = PhoneChange(
            new_phone=command.phone,
            old_phone=present,
            started_at=now,
            attempted_at=now,
            kept_session_id=principal.session.id,
        )
        changed = await self._change(
            identity.id, change, _to_used_challenge(checked), _to_used_challenge(checked_old)
        )
        if changed.phone != command.phone:  # the codes were used for a change before this one
            raise IncorrectOtp("otp", checked.attempts_left)
        return changed

    async def _repeat(self, identity: Identity, command: ChangePhoneCommand) -> Identity:
        """Complete the change that gave the identity its number, by the code of that number."""
        checked = await self._check_new(identity, command)
        if not identity.has_used(_to_used_challenge(checked).id):
            raise ConflictingValue(PRESENT_NUMBER)
        return await self.complete(identity.id) or identity

    async def _change(
        self, identity_id: str, change: PhoneChange, used: UsedChallenge, used_old: UsedChallenge
    ) -> Identity:
        actor = Actor(ActorKind.USER, identity_id)
        entry = await self.record_act.begin(actor, AuditAction.CHANGE_PHONE, identity_id)
        try:
            await self.begin(identity_id, change, used, used_old)
        except BaseException as error:
            await self.record_act.fail(entry, error)
            raise
        try:
            changed = await self.complete(identity_id)
            if changed is None:
                raise Unauthenticated
        except (PhoneInUse, Unauthenticated) as error:
            await self.record_act.fail(entry, error)
            raise
        return changed

    async def _check_new(self, identity: Identity, command: ChangePhoneCommand) -> CheckedOtp:
        new = CheckOtpCommand(
            phone=command.phone,
            code=command.code,
            client_ip=command.client_ip,
            request_id=command.request_id,
            purpose=Purpose.CHANGE_PHONE,
            bound_to=identity.id,
        )
        return await self._check(new, "otp")

    async def _check(self, command: CheckOtpCommand, field_name: str) -> CheckedOtp:
        """Use or keep a code, or accept that this client used it before; raises IncorrectOtp."""
        checked = await self.check_otp(command)
        used_code, now = checked.used_code, checked.attempt.now
        is_current = used_code is not None and now < used_code.challenge.expires_at
        if not isinstance(checked.result, Correct) and not is_current:
            left = checked.attempts_left
            self.events.record(OtpVerificationFailed(phone=command.phone, attempts_left=left))
            raise IncorrectOtp(field_name, left)
        if command.is_kept:
            await checked.permits.release()
        else:
            await self.check_otp.release(checked)
        return checked


def find_device(
    principal: Principal, token: DeviceToken | None, now: datetime
) -> ValidDeviceToken | None:
    """Return the device of the principal's token, or the one that opened the session."""
    identity = principal.identity
    named = token.device_id if token is not None and token.identity_id == identity.id else None
    devices = [device for device in identity.devices if now < device.expires_at]
    found = [device for device in devices if device.id == named] or [
        device for device in devices if device.session_id == principal.session.id
    ]
    return ValidDeviceToken(found[0].id, identity.id) if found else None


def _require_phone(identity: Identity) -> PhoneNumber:
    """Return the phone; raises UserNotFound if the identity has not become a user."""
    if identity.user is None or identity.phone is None:
        raise UserNotFound
    return identity.phone


def _to_used_challenge(checked: CheckedOtp) -> UsedChallenge:
    code = checked.used_code
    assert code is not None, "the code is correct"  # noqa: S101
    return UsedChallenge(code.challenge.id, code.challenge.retained_until + CLOCK_SKEW)
