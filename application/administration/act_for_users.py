"""What operators do for users. Each act is in the audit before it is done."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from application.administration.caller import Caller
from application.administration.find_user import FindUser, FoundUser, UserQuery
from application.identities.operators import OperatorActions
from application.identities.users import DeleteUser
from application.limits.token_limits import TokenLimits
from application.otp.request_otp import RequestOtp, RequestOtpCommand, RequestOtpResult
from application.otp.reset_limits import ResetLimits, ResetResult
from application.phone_change.move_phone import MovePhone
from application.ports.otp import PhoneVerifications
from application.ports.system import Clock
from application.record_act import RecordAct
from domain.administration.audit import AuditAction
from domain.administration.service_token import PHONE_CHANGES_PER_TOKEN
from domain.errors import (
    ConflictingValue,
    PhoneBlocked,
    TooManyOperatorCodes,
    TooManyOtpRequests,
    TooManyPhoneChanges,
    Unauthenticated,
    UserNotFound,
)
from domain.identities.external_id import ExternalId
from domain.identities.identity import Role
from domain.identities.retention import RetainedData, list_retained_data
from domain.otp.delivery import Channel
from domain.otp.message_preferences import MessagePreferences
from domain.otp.operator_code import OPERATOR_CODES_LIMIT
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCodeCommand:
    """A code for a user, which an operator asks for from `client_ip`."""

    client_ip: str
    channel: Channel = Channel.SMS
    preferences: MessagePreferences


@dataclass(frozen=True, slots=True, kw_only=True)
class ActForUsers:
    """Act for a user, who is found by phone, username, id or external id.

    Every method raises `Forbidden`, `InsufficientScope` or `FreshLoginRequired` if the caller may
    not do it, `UserNotFound`, `AuditFailed` if nothing was done because the audit entry was not
    written, and `StorageError`.
    """

    find_user: FindUser
    record_act: RecordAct
    operator_actions: OperatorActions
    reset_phone_limits: ResetLimits
    request_otp: RequestOtp
    delete_user: DeleteUser
    move_phone: MovePhone
    limits: TokenLimits
    phone_verifications: PhoneVerifications
    clock: Clock
    call_retention: timedelta

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
            TooManyResets: it was done twice within a day.
        """
        async with self._act(caller, AuditAction.RESET_LIMITS, query, reason) as user:
            return await self.reset_phone_limits(user.require_phone(), expected_left)

    async def send_code(
        self, caller: Caller, query: UserQuery, command: SendCodeCommand, reason: str = ""
    ) -> RequestOtpResult:
        """Send a code, within all limits. The caller never sees it.

        It has attempts of its own (`OperatorCode`), and operators send three a day to a phone.

        Raises:
            PhoneBlocked
            ConflictingValue: the phone has a fixed code.
            TooManyOperatorCodes: three were sent to this phone within a day.
            CountryNotServed, TooManyOtpRequests, PhoneUnreachable, DeliveryFailed
        """
        async with self._act(caller, AuditAction.SEND_CODE, query, reason) as user:
            phone = user.require_phone()
            if self.request_otp.codes.is_test_phone(phone, self.clock.now()):
                raise ConflictingValue(
                    "This phone has a fixed code in DIALTONE_TEST_OTPS: nothing is sent to it."
                )
            if (await self.phone_verifications.load(phone)).value.blocked_at is not None:
                raise PhoneBlocked
            requested = RequestOtpCommand(
                phone,
                command.client_ip,
                command.preferences,
                channel=command.channel,
                is_by_operator=True,
            )
            try:
                return await self.request_otp(requested)
            except TooManyOtpRequests as error:
                if error.limit == OPERATOR_CODES_LIMIT:
                    raise TooManyOperatorCodes(error.retry_after, error.limit) from error
                raise

    async def block(self, caller: Caller, query: UserQuery, reason: str = "") -> FoundUser:
        """Block a phone: nothing is sent to it, and its sessions end.

        A phone that is held for an account cannot undo the change while it is blocked, so a service
        token must not block it (`Forbidden`).
        """
        async with self._act(caller, AuditAction.BLOCK, query, reason) as user:
            await self.operator_actions.block(user.require_phone(), unless_held=caller.is_token)
            return user

    async def unblock(self, caller: Caller, query: UserQuery, reason: str = "") -> FoundUser:
        """Let a blocked phone sign in again."""
        async with self._act(caller, AuditAction.UNBLOCK, query, reason) as user:
            await self.operator_actions.unblock(user.require_phone())
            return user

    async def sign_out(self, caller: Caller, query: UserQuery, reason: str = "") -> int:
        """End all sessions of a user, and return how many there were."""
        async with self._act(caller, AuditAction.SIGN_OUT, query, reason) as user:
            return await self.operator_actions.revoke_sessions(user.require_identity().id)

    async def delete(
        self, caller: Caller, query: UserQuery, reason: str = ""
    ) -> Sequence[RetainedData]:
        """Delete an identity as its owner would, and return what remains of it."""
        async with self._act(caller, AuditAction.DELETE, query, reason) as user:
            identity = user.require_identity()
            try:
                await self.delete_user.by_id(identity.id)
            except Unauthenticated as error:
                raise UserNotFound from error
            return list_retained_data(self.clock.now(), self.call_retention)

    async def change_role(
        self, caller: Caller, query: UserQuery, role: Role, reason: str = ""
    ) -> FoundUser:
        """Make a user an administrator, or a member again.

        Raises:
            ConflictingValue: the phone has a fixed code, or nobody has proved to own it.
        """
        action = AuditAction.PROMOTE if role is Role.ADMINISTRATOR else AuditAction.DEMOTE
        async with self._act(caller, action, query, reason) as user:
            await self.operator_actions.change_role(user.require_identity().id, role)
            return user

    async def set_external_id(
        self, caller: Caller, query: UserQuery, external_id: ExternalId | None, reason: str = ""
    ) -> FoundUser:
        """Set what another system calls a user, or remove it.

        Raises:
            ExternalIdInUse
        """
        async with self._act(caller, AuditAction.SET_EXTERNAL_ID, query, reason) as user:
            identity_id = user.require_identity().id
            identity = await self.operator_actions.set_external_id(identity_id, external_id)
            return replace(user, identity=identity)

    async def change_phone(
        self,
        caller: Caller,
        query: UserQuery,
        phone: PhoneNumber,
        reason: str,
        *,
        can_be_undone: bool = True,
    ) -> FoundUser:
        """Give a user who lost the number another one. An administrator becomes a member.

        Only a command changes the number of an administrator, or one that cannot undo the change. A
        service token changes 20 a day.

        Raises:
            ConflictingValue: the number is the present one, or has a fixed code; or the present one
                gets no code to undo it.
            CountryNotServed
            PhoneInUse
            PhoneBlocked: the present number could not undo it.
            TooManyPhoneChanges
        """
        user = await self._find(caller, AuditAction.CHANGE_PHONE, query)
        identity_id = user.require_identity().id
        if not caller.runs_command:
            await self._check_undo(user)
            await self.limits.acquire(
                caller.actor, "phone_changes", PHONE_CHANGES_PER_TOKEN, TooManyPhoneChanges
            )
        async with self.record_act(caller.actor, AuditAction.CHANGE_PHONE, user.subject, reason):
            identity = await self.move_phone(identity_id, phone, can_be_undone=can_be_undone)
            return replace(user, phone=identity.phone, identity=identity)

    async def _check_undo(self, user: FoundUser) -> None:
        """Return if the number of a user could undo a change; see `change_phone`."""
        phone, countries = user.require_phone(), self.move_phone.countries
        verification = (await self.phone_verifications.load(phone)).value
        if verification.blocked_at is not None or user.require_identity().is_blocked:
            raise PhoneBlocked
        is_served = countries is None or phone.country in countries
        if not is_served or self.request_otp.codes.is_test_phone(phone, self.clock.now()):
            raise ConflictingValue(
                "The present number of this account gets no codes, so it could not undo the change."
                " Only a command changes it: dialtone user change-phone."
            )

    async def restore(self, caller: Caller, query: UserQuery, reason: str = "") -> FoundUser:
        """Give a phone back to the identity that lost it."""
        async with self._act(caller, AuditAction.RESTORE, query, reason) as user:
            await self.operator_actions.restore(user.require_identity().id)
            return user

    @asynccontextmanager
    async def _act(
        self, caller: Caller, action: AuditAction, query: UserQuery, reason: str
    ) -> AsyncIterator[FoundUser]:
        """Find the user and write the audit entry; the block does the act."""
        user = await self._find(caller, action, query)
        async with self.record_act(caller.actor, action, user.subject, reason):
            yield user

    async def _find(self, caller: Caller, action: AuditAction, query: UserQuery) -> FoundUser:
        """Find the user, if the caller may act like this on that user."""
        caller.check_action(action)
        user = await self.find_user(query)
        caller.check_subject(user, action)
        return user
