"""What operators do for users. Each act is in the audit before it is done."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from application.administration import acts
from application.administration.acts import Act
from application.administration.find_user import FindUser, FoundUser, UserQuery
from application.administration.operator import Operator
from application.identities.acts_on_users import OperatorActions, check_detachable
from application.identities.users import DeleteUser, RenameUser
from application.otp.phone_limits import ResetLimits, ResetResult
from application.ports.system import Clock
from application.record_act import RecordAct
from domain.administration.act_limits import DATA, HARM
from domain.administration.retained_data import RetainedData, list_retained_data
from domain.errors import ConflictingValue, SessionNotFound, Unauthenticated, UserNotFound
from domain.identities.external_id import ExternalId
from domain.identities.role import Role
from domain.identities.username import Username


@dataclass(frozen=True, slots=True)
class ListRetainedData:
    """List what remains of an account. `AdministrationAdditions` says what features add."""

    cleaned_up: Sequence[str]
    retained_data: Sequence[Callable[[datetime], RetainedData]]

    def __call__(self, deleted_at: datetime) -> Sequence[RetainedData]:
        others = [make_row(deleted_at) for make_row in self.retained_data]
        return list_retained_data(deleted_at, self.cleaned_up, others)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActForUsers:
    """Act for a user, who is found by phone, username, id or external id.

    Every method raises:

    - `Forbidden`, `InsufficientScope`, `FreshLoginRequired`: the operator may not do it.
    - `TooShort`: a reason is missing.
    - `TooManyActs`: the limit of acts is used up.
    - `AuditFailed`: the audit entry was not written, so nothing was done.
    - `UserNotFound`, `StorageError`.
    """

    find_user: FindUser
    record_act: RecordAct
    operator_actions: OperatorActions
    reset_phone_limits: ResetLimits
    rename_user: RenameUser
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
        """Let a phone get a code again."""
        user = await self.find(operator, acts.RESET_LIMITS, query, reason)
        phone = user.require_phone()
        await self.reset_phone_limits.check(phone, expected_left)
        async with self._record(operator, acts.RESET_LIMITS, user, reason):
            return await self.reset_phone_limits(phone, expected_left)

    async def block(self, operator: Operator, query: UserQuery, reason: str = "") -> FoundUser:
        user = await self.find(operator, acts.BLOCK, query, reason)
        phone = user.require_phone()
        async with self._record(operator, acts.BLOCK, user, reason):
            await self.operator_actions.block(phone)
            return user

    async def unblock(self, operator: Operator, query: UserQuery, reason: str = "") -> FoundUser:
        user = await self.find(operator, acts.UNBLOCK, query, reason)
        phone = user.require_phone()
        async with self._record(operator, acts.UNBLOCK, user, reason):
            await self.operator_actions.unblock(phone)
            return user

    async def sign_out(self, operator: Operator, query: UserQuery, reason: str = "") -> int:
        """End all sessions of a user, and return how many there were."""
        user = await self.find(operator, acts.SIGN_OUT, query, reason)
        identity = user.require_open_identity()
        async with self._record(operator, acts.SIGN_OUT, user, reason):
            return await self.operator_actions.revoke_sessions(identity.id)

    async def end_session(
        self, operator: Operator, query: UserQuery, session_id: str, reason: str = ""
    ) -> FoundUser:
        """End a session of a user.

        Raises:
            SessionNotFound
        """
        user = await self.find(operator, acts.END_SESSION, query, reason)
        identity = user.require_open_identity()
        if identity.find_session(session_id, self.clock.now()) is None:
            raise SessionNotFound
        async with self._record(operator, acts.END_SESSION, user, reason):
            await self.operator_actions.revoke_session(identity.id, session_id)
            return user

    async def delete(
        self, operator: Operator, query: UserQuery, reason: str = ""
    ) -> Sequence[RetainedData]:
        user = await self.find(operator, acts.DELETE, query, reason)
        identity = user.require_identity()
        async with self._record(operator, acts.DELETE, user, reason):
            try:
                await self.delete_user.by_id(identity.id)
            except Unauthenticated as error:
                raise UserNotFound from error
            return self.list_retained_data(self.clock.now())

    async def change_role(
        self, operator: Operator, query: UserQuery, role: Role, reason: str = ""
    ) -> FoundUser:
        """Give a user a role of the staff, or make one a member again."""
        act = acts.PROMOTE if role.is_staff else acts.DEMOTE
        user = await self.find(operator, act, query, reason)
        identity = user.require_open_identity()
        operator.check_may_give(role)
        self.operator_actions.check_role(identity, role)
        given = role if role.is_staff else None
        async with self.record_act(operator.actor, act.action, user.subject, reason, role=given):
            await self.operator_actions.change_role(identity.id, role)
            return user

    async def set_external_id(
        self, operator: Operator, query: UserQuery, external_id: ExternalId | None, reason: str = ""
    ) -> FoundUser:
        """Set what another system calls a user, or remove it.

        - An unchanged id is not in the audit: a backend may send all its users each night.
        - A first one is data of a backend. To replace or remove one is an act like others: who has
          it is somebody else then.
        """
        user = await self.find(operator, acts.SET_EXTERNAL_ID, query, reason)
        former = user.require_open_identity()
        if former.external_id == external_id:
            return user
        await self.operator_actions.check_external_id(former.id, external_id)
        limit = DATA if former.external_id is None else HARM
        async with self.record_act(
            operator.actor, acts.SET_EXTERNAL_ID.action, user.subject, reason, limit=limit
        ):
            identity = await self.operator_actions.set_external_id(former.id, external_id)
            return replace(user, identity=identity)

    async def rename(
        self, operator: Operator, query: UserQuery, username: Username, reason: str = ""
    ) -> FoundUser:
        """Give a user another username. The same one again is not in the audit.

        Raises:
            ConflictingValue: the account has no username yet.
        """
        user = await self.find(operator, acts.RENAME, query, reason)
        former = user.require_open_identity()
        if former.username is None:
            raise ConflictingValue(
                "This account has no username yet. Its owner chooses the first one."
            )
        if former.username.text == username.text:
            return user
        await self.rename_user.check(former, username)
        async with self.record_act(operator.actor, acts.RENAME.action, user.subject, reason):
            try:
                identity = await self.rename_user.by_id(former.id, username, former.username)
            except Unauthenticated as error:
                raise UserNotFound from error
            return replace(user, identity=identity)

    async def detach(self, operator: Operator, query: UserQuery, reason: str = "") -> FoundUser:
        """Take the phone from an account: it belongs to somebody else now."""
        user = await self.find(operator, acts.DETACH, query, reason)
        identity = user.require_identity()  # a repeat completes one that is detached
        check_detachable(identity)
        async with self.record_act(operator.actor, acts.DETACH.action, user.subject, reason):
            await self.operator_actions.detach(identity.id)
            return user

    async def find(self, operator: Operator, act: Act, query: UserQuery, reason: str) -> FoundUser:
        operator.check(act, reason)
        user = await self.find_user(query)
        operator.check_subject(user)
        return user

    def _record(
        self, operator: Operator, act: Act, user: FoundUser, reason: str
    ) -> AbstractAsyncContextManager[None]:
        return self.record_act(operator.actor, act.action, user.subject, reason)
