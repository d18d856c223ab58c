"""Begin and complete a change of the phone that the owner of the number asks for."""

from dataclasses import dataclass

from application.features.phone_change.begin import BeginPhoneChange
from application.features.phone_change.complete import CompletePhoneChange
from application.record_act import RecordAct
from domain.administration.audit import Actor, ActorKind, AuditAction
from domain.errors import PhoneInUse, Unauthenticated
from domain.features.phone_change.errors import UndoNotPossible
from domain.identities.identity import Identity, UsedChallenge
from domain.identities.phone_change import PhoneChange


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePhoneChange:
    """Begin and complete a change, an undo or a disown, and write that into the audit.

    The audit has the change as failed if it ended without an effect, and not after an error of
    storage: what has begun is completed by a retry or the cleanup.
    """

    begin: BeginPhoneChange
    complete: CompletePhoneChange
    record_act: RecordAct

    async def __call__(
        self,
        identity_id: str,
        change: PhoneChange,
        used: UsedChallenge | None = None,
        used_old: UsedChallenge | None = None,
    ) -> Identity | None:
        """Make the change, and return the identity; see `BeginPhoneChange`.

        None if the identity was disowned and is detached.

        Raises:
            PhoneInUse
            UndoNotPossible
            Unauthenticated: The identity is deleted or detached.
            AuditFailed: Nothing was done.
            StorageError
        """
        action = AuditAction.UNDO_PHONE_CHANGE if change.is_undo else AuditAction.CHANGE_PHONE
        if change.is_disown:
            action = AuditAction.DISOWN_PHONE
        actor = Actor(ActorKind.USER, identity_id)
        entry = await self.record_act.begin(actor, action, identity_id)
        try:
            await self.begin(identity_id, change, used, used_old)
        except BaseException as error:
            await self.record_act.fail(entry, error)
            raise
        try:
            changed = await self.complete(identity_id)
            if changed is None and not change.is_disown:
                raise Unauthenticated
        except (PhoneInUse, UndoNotPossible, Unauthenticated) as error:
            await self.record_act.fail(entry, error)
            raise
        return changed
