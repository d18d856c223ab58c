"""What operators do for users. Each act is in the audit before it is done."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from application.administration import acts
from application.administration.acts import Act
from application.administration.caller import Caller
from application.administration.find_user import FindUser, FoundUser, UserQuery
from application.administration.retained_data import ListRetainedData
from application.identities.operators import OperatorActions
from application.identities.users import DeleteUser
from application.limits.actor_limits import ActorLimits
from application.otp.reset_limits import ResetLimits, ResetResult
from application.ports.system import Clock
from application.record_act import RecordAct
from domain.errors import Unauthenticated, UserNotFound
from domain.identities.external_id import ExternalId
from domain.identities.retained_data import RetainedData
from domain.identities.role import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ActForUsers:
    """Act for a user, who is found by phone, username, id or external id.

    Every method raises `Forbidden`, `InsufficientScope` or `FreshLoginRequired` if the caller may
    not do it, `TooShort` if the caller has to say why, `UserNotFound`, `TooManyActs` if the act is
    limited, `AuditFailed` if nothing was done because the audit entry was not written, and
    `StorageError`.
    """

    find_user: FindUser
    limits: ActorLimits
    record_act: RecordAct
    operator_actions: OperatorActions
    reset_phone_limits: ResetLimits
    delete_user: DeleteUser
    clock: Clock
    list_retained_data: ListRetainedData

    async def reset_limits(
        self,
        caller: Caller,
        query: UserQuery,
        reason: str = "",
        *,
        expected_left: int | None = None,
    ) -> ResetResult:
        """Let a phone get a code again.

        Raises:
            PhoneBlocked
            ConflictingValue: fewer or more than `expected_left` resets are possible now.
            TooManyResets: the limits were reset twice within a day.
        """
        async with self.acting(caller, acts.RESET_LIMITS, query, reason) as user:
            return await self.reset_phone_limits(user.require_phone(), expected_left)

    async def block(self, caller: Caller, query: UserQuery, reason: str = "") -> FoundUser:
        """Block a phone: nothing is sent to it, and its sessions end.

        A phone that is held for an account cannot undo the change while it is blocked, so only
        administrators and commands block it (`Forbidden` for others).
        """
        async with self.acting(caller, acts.BLOCK, query, reason) as user:
            await self.operator_actions.block(
                user.require_phone(), unless_held=not caller.has_all_rights
            )
            return user

    async def unblock(self, caller: Caller, query: UserQuery, reason: str = "") -> FoundUser:
        """Let a blocked phone sign in again. Who may block it may unblock it."""
        async with self.acting(caller, acts.UNBLOCK, query, reason) as user:
            unless_held = not caller.has_all_rights
            await self.operator_actions.unblock(user.require_phone(), unless_held=unless_held)
            return user

    async def sign_out(self, caller: Caller, query: UserQuery, reason: str = "") -> int:
        """End all sessions of a user, and return how many there were."""
        async with self.acting(caller, acts.SIGN_OUT, query, reason) as user:
            return await self.operator_actions.revoke_sessions(user.require_identity().id)

    async def delete(
        self, caller: Caller, query: UserQuery, reason: str = ""
    ) -> Sequence[RetainedData]:
        """Delete an identity as its owner would, and return what remains of it."""
        async with self.acting(caller, acts.DELETE, query, reason) as user:
            identity = user.require_identity()
            try:
                await self.delete_user.by_id(identity.id)
            except Unauthenticated as error:
                raise UserNotFound from error
            return self.list_retained_data(self.clock.now())

    async def change_role(
        self, caller: Caller, query: UserQuery, role: Role, reason: str = ""
    ) -> FoundUser:
        """Give a user a role of the staff, or make one a member again.

        Raises:
            ConflictingValue: the phone has a fixed code, or nobody has proved to own it.
        """
        act = acts.PROMOTE if role.is_staff else acts.DEMOTE
        user = await self.find(caller, act, query, reason)
        caller.check_may_give(role)
        given = role if role.is_staff else None
        async with self.record_act(caller.actor, act.action, user.subject, reason, role=given):
            await self.operator_actions.change_role(user.require_identity().id, role)
            return user

    async def set_external_id(
        self, caller: Caller, query: UserQuery, external_id: ExternalId | None, reason: str = ""
    ) -> FoundUser:
        """Set what another system calls a user, or remove it.

        What changes nothing is not in the audit: a backend may send all its users each night.

        Raises:
            ExternalIdInUse
        """
        user = await self.find(caller, acts.SET_EXTERNAL_ID, query, reason)
        former = user.identity
        if former and not former.is_closed and former.external_id == external_id:
            return user
        async with self.record_act(caller.actor, acts.SET_EXTERNAL_ID.action, user.subject, reason):
            identity_id = user.require_identity().id
            identity = await self.operator_actions.set_external_id(identity_id, external_id)
            return replace(user, identity=identity)

    async def restore(self, caller: Caller, query: UserQuery, reason: str = "") -> FoundUser:
        """Give a phone back to the identity that lost it.

        The caller may act on both: on that identity, and on the present owner of the phone.
        """
        async with self.acting(caller, acts.RESTORE, query, reason) as user:
            identity_id = user.require_identity().id
            await self.operator_actions.restore(identity_id, caller.check_identity)
            return user

    @asynccontextmanager
    async def acting(
        self, caller: Caller, act: Act, query: UserQuery, reason: str
    ) -> AsyncIterator[FoundUser]:
        """Find the user and write the audit entry; the block does the act."""
        user = await self.find(caller, act, query, reason)
        async with self.record_act(caller.actor, act.action, user.subject, reason):
            yield user

    async def find(self, caller: Caller, act: Act, query: UserQuery, reason: str) -> FoundUser:
        """Find the user, if the caller may do this for this reason to this user, and now.

        Raises:
            TooManyActs: The caller did too much of what does harm in the wrong hands.
        """
        caller.check(act, reason)
        user = await self.find_user(query)
        caller.check_subject(user)
        if act.is_limited:
            await self.limits.acquire_act(caller.actor)
        return user
