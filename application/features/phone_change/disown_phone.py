"""Say that an account is not that of the person who has its number."""

from dataclasses import dataclass, replace

from application.features.phone_change.complete import CompletePhoneChange
from application.features.phone_change.make_phone_change import MakePhoneChange
from application.features.phone_change.ports import PhoneAssignmentsRepository
from application.features.phone_change.undo_codes import UndoCodes
from application.identities.phone_holds import PhoneHolds
from application.ports.otp import PhoneVerifications
from application.ports.system import Clock
from application.principal import Principal
from domain.errors import FreshLoginRequired
from domain.features.phone_change.errors import DisownNotPossible
from domain.features.phone_change.phone_assignment import PhoneAssignment
from domain.identities.identity import UsedChallenge
from domain.identities.phone_change import PhoneChange


@dataclass(frozen=True, slots=True, kw_only=True)
class DisownPhone:
    """Free a number that a change gave to an account, because its owner says so.

    - It is possible for seven days after the change, by a session that was opened within the last
      15 minutes by a code of the number. The session that the change kept is none of these.
    - The account has its former number again, if the former number could undo the change: see
      `PhoneHolds`. Otherwise the account is detached, like that of a recycled number, and only an
      operator restores it.
    - All sessions that were opened by the number end, and devices are forgotten. Where the account
      has its former number, the session goes on that the change kept, until the owner of that
      number sends the undo code of the change. For seven days the owner of the account cannot
      change the number again.
    - It is written like an undo, and completed like one. After it the principal has no session.
    """

    phone_assignments: PhoneAssignmentsRepository
    phone_verifications: PhoneVerifications
    holds: PhoneHolds
    complete: CompletePhoneChange
    make_change: MakePhoneChange
    codes: UndoCodes
    clock: Clock

    async def __call__(self, principal: Principal) -> None:
        """Disown the account of the principal.

        Raises:
            FreshLoginRequired
            DisownNotPossible
            Unauthenticated: the identity was deleted or detached meanwhile.
            AuditFailed: nothing was done.
            StorageError
        """
        identity, now = principal.identity, self.clock.now()
        if not principal.has_fresh_login:
            raise FreshLoginRequired
        under_way = identity.phone_changes.under_way
        if under_way is not None and under_way.is_disown:
            await self.complete(identity.id)  # an earlier request was interrupted
            return
        assignment = await self._find_assignment(principal)
        change = PhoneChange(
            new_phone=assignment.former_phone,
            old_phone=assignment.phone,
            started_at=now,
            attempted_at=now,
            is_undo=True,
            is_disown=True,
            kept_session_id=assignment.kept_session_id,
        )
        held = (await self.phone_verifications.load(assignment.former_phone)).value
        used, undo_until = None, held.hold.undo_until
        if undo_until is not None and await self.holds.find_holder(held) == identity.id:
            change = replace(change, undo_until=undo_until)
            code = self.codes.derive(identity.id, assignment.former_phone, undo_until)
            used_id = self.codes.used_id(code, assignment.former_phone, by_disown=True)
            used = UsedChallenge(used_id, undo_until)
        await self.make_change(identity.id, change, used)
        # Its owner may have changed the number back meanwhile: then this one is held, not free.
        left = (await self.phone_verifications.load(assignment.phone)).value
        if await self.holds.find_holder(left) == identity.id:
            raise DisownNotPossible

    async def _find_assignment(self, principal: Principal) -> PhoneAssignment:
        """Return the assignment of the number that the account has."""
        identity = principal.identity
        loaded = await self.phone_assignments.load(identity.id)
        found = loaded.value.find(identity.phone, self.clock.now()) if loaded else None
        if found is None:
            raise DisownNotPossible
        if principal.session.id == found.kept_session_id:
            raise FreshLoginRequired
        return found
