"""Change the phone of an identity: request the codes, and give them back."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from application.features.phone_change.begin import NOT_NOTIFIED, BeginPhoneChange
from application.features.phone_change.complete import CompletePhoneChange
from application.features.phone_change.make_phone_change import MakePhoneChange
from application.otp.check_otp import CheckedOtp, CheckOtp, CheckOtpCommand
from application.otp.events import OtpVerificationFailed
from application.otp.request_otp import RequestOtp, RequestOtpCommand, RequestOtpResult
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.principal import Principal
from domain.errors import (
    ConflictingValue,
    FreshLoginRequired,
    IncorrectOtp,
    PhoneInUse,
    Unavailable,
    UserNotFound,
)
from domain.features.phone_change.errors import UndoNotPossible
from domain.identities.identity import Identity, UsedChallenge
from domain.identities.phone_change import UNDO_PERIOD, PhoneChange
from domain.otp.attempts import Correct
from domain.otp.attestation_proof import AttestationProof
from domain.otp.challenge import OtpCode, Purpose
from domain.otp.delivery import Channel
from domain.otp.message_preferences import MessagePreferences
from domain.otp.sliding_window import CLOCK_SKEW
from domain.phone import PhoneNumber

PRESENT_NUMBER: Final = "This is your number already."


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPhoneChangeOtpCommand:
    """A request for a code by `client_ip`. `phone` is None for a code to the present number.

    The other attributes are those of `RequestOtpCommand`.
    """

    phone: PhoneNumber | None
    client_ip: str
    preferences: MessagePreferences = field(default_factory=MessagePreferences)
    accepts_attestation: bool = False
    proof: AttestationProof | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPhoneChangeOtp:
    """Send a code for a change of the principal's phone, within the limits of a sign-in.

    Whether somebody has the number makes no difference: who requests a code proves nothing.
    """

    begin: BeginPhoneChange
    request_otp: RequestOtp

    async def __call__(
        self, principal: Principal, command: RequestPhoneChangeOtpCommand
    ) -> RequestOtpResult:
        """Send a code.

        Raises:
            UserNotFound: the principal has not become a user.
            ConflictingValue: the number is the present one, or has a fixed code.
            PhoneChangeForbidden
            CountryNotServed, TooManyOtpRequests, AttestationRequired, PhoneUnreachable
            DeliveryFailed, Unavailable
            StorageError
        """
        identity, phone = principal.identity, command.phone
        present = require_phone(identity)
        if phone == present:
            raise ConflictingValue(PRESENT_NUMBER)
        self.begin.check(identity, phone or present)
        if identity.phone_changes.under_way is not None:
            await self._complete_earlier(identity.id)
        return await self.request_otp(
            RequestOtpCommand(
                phone or present,
                command.client_ip,
                Channel.SMS,
                command.preferences,
                purpose=Purpose.CHANGE_PHONE,
                identity_id=identity.id,
                accepts_attestation=command.accepts_attestation,
                proof=command.proof,
            )
        )

    async def _complete_earlier(self, identity_id: str) -> None:
        """Complete an earlier change; raises Unavailable while its message is not sent."""
        with suppress(PhoneInUse, UndoNotPossible):
            identity = await self.begin.complete(identity_id)
            if identity is not None and identity.phone_changes.under_way is not None:
                raise Unavailable(NOT_NOTIFIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePhoneCommand:
    """The codes for a change of the principal's phone, from `client_ip`.

    Attributes:
        phone: The new number.
        code: The code that the new number got.
        request_id: The id of the request for that code.
        client_ip: Where the codes come from.
        old_code: The code that the present number got, if the user has it.
        old_request_id: The id of the request for that code.
        locale: The language of the message to the former number.
    """

    phone: PhoneNumber
    code: OtpCode
    request_id: str
    client_ip: str
    old_code: OtpCode | None = None
    old_request_id: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePhone:
    """Give the principal another phone, whose owner has its code.

    - The principal logged in within the last 15 minutes, or has a code of the present number too.
      With that code the change cannot be undone.
    - A code is used for one change, that of the present number too. After a lost response or an
      error of storage the same client sends the same codes again, and the change is completed.
    - That somebody has the number is an error after the right code only.
    - The change and its audit entry are written in an order that `CompletePhoneChange` completes.
    """

    check_otp: CheckOtp
    begin: BeginPhoneChange
    complete: CompletePhoneChange
    make_change: MakePhoneChange
    clock: Clock
    events: SecurityEvents

    async def __call__(self, principal: Principal, command: ChangePhoneCommand) -> Identity:
        """Change the phone, and return the identity with the new one.

        Raises:
            UserNotFound: the principal has not become a user.
            FreshLoginRequired
            ConflictingValue: the number is the present one, or has a fixed code.
            PhoneChangeForbidden
            IncorrectOtp: one of the codes is wrong; it names the field.
            PhoneInUse
            TooManyAttempts, TooManyAttemptsFromIp
            AuditFailed: nothing was done.
            Unauthenticated: the identity was deleted or blocked meanwhile.
            StorageError
        """
        identity, now = principal.identity, self.clock.now()
        present = require_phone(identity)
        self.begin.check(identity, command.phone)
        # After a lost response it has the new number already.
        is_changed = present == command.phone
        if command.old_code is None and not is_changed and not principal.has_fresh_login:
            raise FreshLoginRequired
        used_old = None
        if command.old_code is not None and not is_changed:
            checked = await self._check(
                identity, present, command.old_code, command.old_request_id, command, "old_otp"
            )
            used_old = to_used_challenge(checked)
        checked = await self._check(
            identity, command.phone, command.code, command.request_id, command, "otp"
        )
        used = to_used_challenge(checked)
        if is_changed:
            if not identity.has_used(used.id):
                raise ConflictingValue(PRESENT_NUMBER)
            return await self.complete(identity.id) or identity
        change = PhoneChange(
            new_phone=command.phone,
            old_phone=present,
            started_at=now,
            attempted_at=now,
            undo_until=None if command.old_code else now + UNDO_PERIOD,
            kept_session_id=principal.session.id,
            locale=command.locale,
        )
        changed = await self.make_change(identity.id, change, used, used_old)
        if (
            changed is None or changed.phone != command.phone
        ):  # the codes were used for a change before this one
            raise IncorrectOtp("otp", checked.attempts_left)
        return changed

    async def _check(
        self,
        identity: Identity,
        phone: PhoneNumber,
        code: OtpCode,
        request_id: str | None,
        command: ChangePhoneCommand,
        field_name: str,
    ) -> CheckedOtp:
        """Use a code, or accept that this client used it; raises IncorrectOtp."""
        checked = await self.check_otp(
            CheckOtpCommand(
                phone=phone,
                code=code,
                client_ip=command.client_ip,
                request_id=request_id,
                purpose=Purpose.CHANGE_PHONE,
                identity_id=identity.id,
            )
        )
        require_correct(checked, phone, field_name, self.events)
        await self.check_otp.release(checked)
        return checked


def require_phone(identity: Identity) -> PhoneNumber:
    """Return the phone of a user.

    Raises:
        UserNotFound: the identity has not become a user.
    """
    if identity.user is None or identity.phone is None:
        raise UserNotFound
    return identity.phone


def require_correct(
    checked: CheckedOtp, phone: PhoneNumber, field_name: str, events: SecurityEvents
) -> None:
    """Check that a code was used now, or before by the same client and has not expired.

    Raises:
        IncorrectOtp
    """
    code, now = checked.used_code, checked.attempt.now
    is_current = code is not None and now < code.challenge.expires_at
    if isinstance(checked.result, Correct) or is_current:
        return
    left = checked.attempts_left
    events.record(OtpVerificationFailed(phone=phone, attempts_left=left))
    raise IncorrectOtp(field_name, left)


def to_used_challenge(checked: CheckedOtp) -> UsedChallenge:
    """Return what an identity keeps of a code that was used for a change of its phone."""
    code = checked.used_code
    assert code is not None, "the code is correct"  # noqa: S101
    return UsedChallenge(code.challenge.id, code.challenge.retained_until + CLOCK_SKEW)
