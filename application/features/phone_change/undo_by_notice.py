"""Undo a change of the phone of an identity, by the code in the message to the former number."""

from dataclasses import dataclass
from datetime import datetime

from application.features.phone_change.make_undo import MakeUndo
from application.features.phone_change.undo_codes import UndoCodes
from application.identities.events import SessionRevoked
from application.limits.attempt_limiter import AttemptLimiter
from application.otp.events import OtpAttemptsExhausted, OtpVerificationFailed
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import PhoneVerifications
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.update import change
from domain.errors import IncorrectOtp, TooManyAttemptsFromIp
from domain.features.phone_change.errors import UndoNotPossible
from domain.identifier import NOBODY
from domain.identities.identity import Identity, UsedChallenge
from domain.identities.phone_change import UNDO_PERIOD
from domain.otp.client_ip import HashedClientIp
from domain.otp.undo_code import UndoCode
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoByNoticeCommand:
    """The code in the message to the former number, from `client_ip`."""

    phone: PhoneNumber
    code: UndoCode
    client_ip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoByNotice:
    """Give an identity its former phone back, by the code in the message to that number.

    It does what `UndoPhoneChange` does, without another message: nobody can keep the owner from it
    by requests for codes.

    - The code is void with the hold: when the change was undone or can no longer be, after the
      deletion of the account, and while the number is blocked.
    - Attempts are limited by IP only, with those at all other codes. No attempt is counted for the
      phone, so no stranger uses up those of the owner.
    - A number without a hold gets the response of a wrong code, after as many round trips.
    - After a lost response or an error of storage the same code is sent again, from anywhere, until
      the deadline of the undone change.
    - Where the other number has disowned the account meanwhile, the account has its number already.
      The code ends all sessions then, also the one that the disown left: a thief who changes the
      number can disown it too.
    """

    phone_verifications: PhoneVerifications
    identities: Identities
    attempt_limiter: AttemptLimiter
    keyed_hashes: KeyedHashes
    codes: UndoCodes
    make_undo: MakeUndo
    clock: Clock
    events: SecurityEvents

    async def __call__(self, command: UndoByNoticeCommand) -> bool:
        """Undo the change, and return whether it was disowned before, so that only sessions ended.

        Raises:
            IncorrectOtp: the code is wrong or void.
            UndoNotPossible: the code is correct, but the change was undone meanwhile, or the number
                cannot be given back.
            TooManyAttemptsFromIp
            AuditFailed: nothing was done.
            StorageError
        """
        phone, code = command.phone, command.code
        client_ip = self.keyed_hashes.hash_client_ip(command.client_ip)
        await self._acquire(phone, client_ip)
        identity, undo_until, is_current = await self._find_identity(phone, code)
        used_id = self.codes.find_used(identity, code, phone)
        disowned_id = self.codes.find_used(identity, code, phone, by_disown=True)
        used = UsedChallenge(used_id or self.codes.used_id(code, phone), undo_until)
        if disowned_id is not None and identity.phone == phone:
            await self._end_sessions(identity.id, disowned_id, used, phone)
            await self.make_undo.trust(identity.id, phone, client_ip)
            return True
        is_valid = is_current or used_id is not None
        if is_valid and await self.make_undo(identity, used, phone, client_ip):
            return False
        self.events.record(OtpVerificationFailed(phone=phone))
        raise IncorrectOtp("undo_code")

    async def _end_sessions(
        self, identity_id: str, disowned_id: str, used: UsedChallenge, phone: PhoneNumber
    ) -> None:
        def end(identity: Identity) -> tuple[Identity, bool]:
            if identity.is_closed or not identity.has_used(disowned_id):  # a repeat was faster
                return identity, False
            return identity.end_sessions_by_undo_code(disowned_id, used), True

        if await change(self.identities, identity_id, end, missing=UndoNotPossible):
            reason = "by the former number, after the account was disowned"
            self.events.record(SessionRevoked(phone=phone, user_id=identity_id, reason=reason))

    async def _acquire(self, phone: PhoneNumber, client_ip: HashedClientIp) -> None:
        """Acquire the permit of an attempt, or raise TooManyAttemptsFromIp."""
        try:
            await self.attempt_limiter.acquire_for_ip(self.clock.now(), client_ip)
        except TooManyAttemptsFromIp:
            reason = "of this IP, for all phones"
            self.events.record(OtpAttemptsExhausted(phone=phone, reason=reason))
            raise

    async def _find_identity(
        self, phone: PhoneNumber, code: UndoCode
    ) -> tuple[Identity, datetime, bool]:
        """Return who has or had the phone, until when its change can be undone, and if by the code.

        Everything is loaded and derived for each phone, so that the time does not reveal a hold.
        """
        verification = (await self.phone_verifications.load(phone)).value
        hold, now = verification.hold, self.clock.now()
        identity_id = hold.identity_id or verification.identity_id or NOBODY
        undo_until = hold.undo_until or now + UNDO_PERIOD
        loaded = await self.identities.load(identity_id)
        is_correct = self.codes.is_code_of(code, identity_id, phone, undo_until)
        identity = loaded.value if loaded else Identity(identity_id, None, now)
        is_held = hold.is_active(now) and identity.is_undo_possible(hold.undo_until)
        return identity, undo_until, is_correct and is_held and verification.blocked_at is None
