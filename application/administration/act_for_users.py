"""What operators do for users. Each act is in the audit before it is done."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from application.administration import acts
from application.administration.acts import Act
from application.administration.find_user import FindUser, FoundUser, UserQuery
from application.administration.operator import Operator
from application.identities.operators import OperatorActions
from application.identities.users import DeleteUser
from application.limits.actor_limits import ActorLimits
from application.otp.reset_limits import ResetLimits, ResetResult
from application.ports.system import Clock
from application.record_act import RecordAct
from domain.administration.retained_data import RetainedData, list_retained_data
from domain.errors import Unauthenticated, UserNotFound
from domain.identities.external_id import ExternalId
from domain.identities.role import Role


@dataclass(frozen=True, slots=True)
class ListRetainedData:
    """List what remains of an account. Each feature adds what it keeps.

    Attributes:
        cleaned_up: What the cleanup deletes of features, such as `library`.
        others: Make the rows of what features keep for longer.
    """

    cleaned_up: list[str] = field(default_factory=list)
    others: list[Callable[[datetime], RetainedData]] = field(default_factory=list)

    def __call__(self, deleted_at: datetime) -> Sequence[RetainedData]:
        """Return what remains of an account that was deleted at this time."""
        others = [make_row(deleted_at) for make_row in self.others]
        return list_retained_data(deleted_at, self.cleaned_up, others)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActForUsers:
    """Act for a user, who is found by phone, username, id or external id.

    Every method raises `Forbidden`, `InsufficientScope` or `FreshLoginRequired` if the operator may
    not do it, `TooShort` if it has to say why, `UserNotFound`, `TooManyActs` if the act is limited,
    `AuditFailed` if nothing was done because the audit entry was not written, and `StorageError`.
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
        operator: Operator,
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
        async with self.acting(operator, acts.RESET_LIMITS, query, reason) as user:
            return await self.reset_phone_limits(user.require_phone(), expected_left)

    async def block(self, operator: Operator, query: UserQuery, reason: str = "") -> FoundUser:
        """Block a phone: nothing is sent to it, and its sessions end."""
        async with self.acting(operator, acts.BLOCK, query, reason) as user:
            await self.operator_actions.block(user.require_phone())
            return user

    async def unblock(self, operator: Operator, query: UserQuery, reason: str = "") -> FoundUser:
        """Let a blocked phone sign in again. Who may block it may unblock it."""
        async with self.acting(operator, acts.UNBLOCK, query, reason) as user:
            await self.operator_actions.unblock(user.require_phone())
            return user

    async def sign_out(self, operator: Operator, query: UserQuery, reason: str = "") -> int:
        """End all sessions of a user, and return how many there were."""
        async with self.acting(operator, acts.SIGN_OUT, query, reason) as user:
            return await self.operator_actions.revoke_sessions(user.require_identity().id)

    async def delete(
        self, operator: Operator, query: UserQuery, reason: str = ""
    ) -> Sequence[RetainedData]:
        """Delete an identity as its owner would, and return what remains of it."""
        async with self.acting(operator, acts.DELETE, query, reason) as user:
            identity = user.require_identity()
            try:
                await self.delete_user.by_id(identity.id)
            except Unauthenticated as error:
                raise UserNotFound from error
            return self.list_retained_data(self.clock.now())

    async def change_role(
        self, operator: Operator, query: UserQuery, role: Role, reason: str = ""
    ) -> FoundUser:
        """Give a user a role of the staff, or make one a member again.

        Raises:
            ConflictingValue: the phone has a fixed code, or nobody has proved to own it.
        """
        act = acts.PROMOTE if role.is_staff else acts.DEMOTE
        user = await self.find(operator, act, query, reason)
        operator.check_may_give(role)
        given = role if role.is_staff else None
        async with self.record_act(operator.actor, act.action, user.subject, reason, role=given):
            await self.operator_actions.change_role(user.require_identity().id, role)
            return user

    async def set_external_id(
        self, operator: Operator, query: UserQuery, external_id: ExternalId | None, reason: str = ""
    ) -> FoundUser:
        """Set what another system calls a user, or remove it.

        What changes nothing is not in the audit: a backend may send all its users each night.

        Raises:
            ExternalIdInUse
        """
        user = await self.find(operator, acts.SET_EXTERNAL_ID, query, reason)
        former = user.identity
        if former and not former.is_closed and former.external_id == external_id:
            return user
        async with self.record_act(
            operator.actor, acts.SET_EXTERNAL_ID.action, user.subject, reason
        ):
            identity_id = user.require_identity().id
            identity = await self.operator_actions.set_external_id(identity_id, external_id)
            return replace(user, identity=identity)

    @asynccontextmanager
    async def acting(
        self, operator: Operator, act: Act, query: UserQuery, reason: str
    ) -> AsyncIterator[FoundUser]:
        """Find the user and write the audit entry; the block does the act."""
        user = await self.find(operator, act, query, reason)
        async with self.record_act(operator.actor, act.action, user.subject, reason):
            yield user

    async def find(self, operator: Operator, act: Act, query: UserQuery, reason: str) -> FoundUser:
        """Find the user, if the operator may do this for this reason to this user, and now.

        Raises:
            TooManyActs: The operator did too much of what does harm in the wrong hands.
        """
        operator.check(act, reason)
        user = await self.find_user(query)
        operator.check_subject(user)
        if act.is_limited:
            await self.limits.acquire_act(operator.actor)
        return user
