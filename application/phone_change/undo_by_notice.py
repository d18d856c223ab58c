"""Undo a change of the phone of an identity, by the code in the message to the former number."""

from dataclasses import dataclass

from application.limits.attempt_limiter import AttemptLimiter
from application.otp.events import OtpAttemptsExhausted, OtpVerificationFailed
from application.phone_change.make_undo import MakeUndo
from application.phone_change.undo_codes import UndoCodes
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import PhoneVerifications
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from domain.errors import IncorrectOtp, TooManyAttemptsFromIp
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
    """

    phone_verifications: PhoneVerifications
    identities: Identities
    attempt_limiter: AttemptLimiter
    keyed_hashes: KeyedHashes
    codes: UndoCodes
    make_undo: MakeUndo
    clock: Clock
    events: SecurityEvents

    async def __call__(self, command: UndoByNoticeCommand) -> None:
        """Undo the change.

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
        found = await self._find_identity(phone, code)
        if found is None or not await self.make_undo(*found, phone, client_ip):
            self.events.record(OtpVerificationFailed(phone=phone))
            raise IncorrectOtp("undo_code")

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
    ) -> tuple[Identity, UsedChallenge] | None:
        """Return the identity that the code gives its phone back to, now or before.

        Everything is loaded and derived for each phone, so that the time does not reveal a hold.
        """
        held, now = (await self.phone_verifications.load(phone)).value, self.clock.now()
        identity_id = held.previous_identity_id or held.identity_id or NOBODY
        undo_until = held.undo_until or now + UNDO_PERIOD
        loaded = await self.identities.load(identity_id)
        is_correct = self.codes.is_code_of(code, identity_id, phone, undo_until)
        used_ids = self.codes.used_ids(code, phone)
        if loaded is None:
            return None
        identity = loaded.value
        is_valid = held.is_held(now) and identity.is_undo_possible(held.undo_until)
        used_id = next((each for each in used_ids if identity.has_used(each)), None)
        if used_id is None and is_correct and is_valid and held.blocked_at is None:
            used_id = self.codes.used_id(code, phone)
        return (identity, UsedChallenge(used_id, undo_until)) if used_id else None
