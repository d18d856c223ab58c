"""Undo a change of the phone of an identity."""

from dataclasses import dataclass

from application.identities.phone_holds import PhoneHolds
from application.otp.check_otp import CheckedOtp, CheckOtp, CheckOtpCommand
from application.phone_change.change_phone import require_correct, to_used_challenge
from application.phone_change.complete import CompletePhoneChange
from application.phone_change.make_phone_change import MakePhoneChange
from application.ports.identities import Identities
from application.ports.otp import PhoneVerifications
from application.ports.system import Clock, SecurityEvents
from domain.errors import IncorrectOtp, Unauthenticated, UndoNotPossible
from domain.identities.identity import Identity
from domain.identities.phone_change import PhoneChange
from domain.otp.attempts import NotApplicable
from domain.otp.challenge import OtpCode, Purpose
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPhoneChangeCommand:
    """The code that the former number got for an undo, from `client_ip`."""

    phone: PhoneNumber
    code: OtpCode
    request_id: str
    client_ip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPhoneChange:
    """Give an identity its former phone back, by a code of that.

    - It is possible for seven days, if the change can be undone.
    - All sessions end, and devices and trusted IPs are forgotten. For seven days the phone cannot
      be changed by its owner again.
    - An undo of a change also undoes all later ones: these numbers cannot undo anything anymore.
    - After a lost response or an error of storage the same client sends the same code again.
    """

    check_otp: CheckOtp
    identities: Identities
    phone_verifications: PhoneVerifications
    holds: PhoneHolds
    complete: CompletePhoneChange
    make_change: MakePhoneChange
    clock: Clock
    events: SecurityEvents

    async def __call__(self, command: UndoPhoneChangeCommand) -> None:
        """Undo the change.

        Raises:
            IncorrectOtp
            UndoNotPossible: the code is correct, but nothing can be undone, or not anymore.
            TooManyAttempts, TooManyAttemptsFromIp
            AuditFailed: nothing was done.
            StorageError
        """
        checked = await self.check_otp(
            CheckOtpCommand(
                phone=command.phone,
                code=command.code,
                client_ip=command.client_ip,
                request_id=command.request_id,
                purpose=Purpose.UNDO_PHONE_CHANGE,
            )
        )
        if isinstance(checked.result, NotApplicable):
            raise UndoNotPossible
        require_correct(checked, command.phone, "otp", self.events)
        await self.check_otp.release(checked)
        identity = await self._find_identity(checked)
        used = to_used_challenge(checked)
        if identity.has_used(used.id):
            undone = await self.complete(identity.id)
            if undone is None or undone.phone != command.phone:
                raise IncorrectOtp("otp", checked.attempts_left)
            return
        change = await self._make_change(identity, command.phone)
        try:
            await self.make_change(identity.id, change, used)
        except Unauthenticated as error:
            raise UndoNotPossible from error

    async def _find_identity(self, checked: CheckedOtp) -> Identity:
        """Return the identity that the code gives its phone back to; raises UndoNotPossible."""
        code = checked.used_code
        loaded = await self.identities.load(code.login.identity_id) if code else None
        if loaded is None or loaded.value.is_closed:
            raise UndoNotPossible
        return loaded.value

    async def _make_change(self, identity: Identity, phone: PhoneNumber) -> PhoneChange:
        """Return the change that undoes the one of this phone; raises UndoNotPossible."""
        held = (await self.phone_verifications.load(phone)).value
        now = self.clock.now()
        if await self.holds.find_holder(held) != identity.id or identity.phone is None:
            raise UndoNotPossible
        return PhoneChange(
            new_phone=phone,
            old_phone=identity.phone,
            started_at=now,
            attempted_at=now,
            is_undo=True,
            undo_until=held.undo_until,
        )
