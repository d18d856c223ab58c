"""Undo a change of the phone of an identity, by a code that the former number requested."""

from dataclasses import dataclass

from application.features.phone_change.change_phone import require_correct, to_used_challenge
from application.features.phone_change.make_undo import MakeUndo
from application.otp.check_otp import CheckedOtp, CheckOtp, CheckOtpCommand
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvents
from domain.errors import IncorrectOtp
from domain.features.phone_change.errors import UndoNotPossible
from domain.identities.identity import Identity
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
    """Give an identity its former phone back, by a code that this phone got.

    - It is possible for seven days, if the change can be undone.
    - All sessions end, and devices and trusted IPs are forgotten, but for the IP of the undo. For
      seven days the phone cannot be changed by its owner again.
    - An undo of a change also undoes all later changes: their numbers cannot undo anything anymore.
    - After a lost response or an error of storage the same client sends the same code again.
    """

    check_otp: CheckOtp
    identities: Identities
    make_undo: MakeUndo
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
        used, client_ip = to_used_challenge(checked), checked.attempt.client_ip
        if not await self.make_undo(identity, used, command.phone, client_ip):
            raise IncorrectOtp("otp", checked.attempts_left)

    async def _find_identity(self, checked: CheckedOtp) -> Identity:
        """Return the identity that the code gives its phone back to; raises UndoNotPossible."""
        code = checked.used_code
        loaded = await self.identities.load(code.login.identity_id) if code else None
        if loaded is None or loaded.value.is_closed:
            raise UndoNotPossible
        return loaded.value
