"""Import a user from elsewhere."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from application.identities.operators import OperatorActions
from application.identities.users import find_holders, set_free_username
from application.ports.errors import UniqueViolation
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import PhoneVerifications
from application.ports.system import Clock, Randomness
from application.ports.versioned import Versioned
from application.record_act import RecordAct
from application.update import change
from domain.administration.audit import Actor, AuditAction
from domain.errors import InvalidValue
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.external_id import ExternalId
from domain.identities.identity import Identity
from domain.identities.imported import Imported
from domain.identities.role import Role
from domain.identities.username import Username, UsernameRules, parse_username
from domain.otp.phone_verification import PhoneVerification
from domain.otp.test_otps import TestOtps
from domain.phone import PhoneNumber

_ID_LENGTH: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedUser:
    """A user of another system.

    Attributes:
        phone: The phone, which the other system has verified.
        id: An id that the identity gets: 24 hex digits.
        external_id: What another system calls the user.
        username: The name as it is there. Our rules may refuse it.
        created_at: When the user joined there.
        is_blocked: Whether the user is blocked there.
        claims: What tokens of the user have, as `parse_claims` returns it. None leaves them.
    """

    phone: PhoneNumber
    id: str | None = None
    external_id: ExternalId | None = None
    username: str | None = None
    created_at: datetime | None = None
    is_blocked: bool = False
    claims: str | None = None


@dataclass(frozen=True, slots=True)
class ImportRun:
    """Who imports and why, for the audit."""

    actor: Actor
    reason: str


class ImportOutcome(StrEnum):
    """What became of a user."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    """It was imported before."""
    COMPLETED = "completed"
    """An earlier import was interrupted, or had less data of a user who has not signed in yet; or
    the user has other claims now."""
    REJECTED = "rejected"


class ImportProblem(StrEnum):
    """Why a user is not imported, or is imported without a username."""

    PHONE_IN_USE = "phone_in_use"
    PHONE_BLOCKED = "phone_blocked"
    TEST_PHONE = "test_phone"
    ID_IN_USE = "id_in_use"
    USER_DELETED = "user_deleted"
    EXTERNAL_ID_IN_USE = "external_id_in_use"
    NOT_BLOCKED = "not_blocked"
    """The user is blocked there, and has an account here that no import made."""
    USERNAME_IN_USE = "username_in_use"
    USERNAME_REFUSED = "username_refused"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a user.

    Attributes:
        outcome: What was done; of a dry run, what would be.
        problem: Why it is rejected, or has no username.
        message: What the rules of usernames say about the name, if they refuse it.
        identity_id: The id of the identity; None if it is rejected, and of a new one in a dry run.
        is_blocked: Whether the import blocks the phone.
    """

    outcome: ImportOutcome
    problem: ImportProblem | None = None
    message: str = ""
    identity_id: str | None = None
    is_blocked: bool = False

    @property
    def is_rejected(self) -> bool:
        """Whether the user is not imported."""
        return self.outcome is ImportOutcome.REJECTED


class _Rejected(Exception):
    """The user cannot be imported."""

    def __init__(self, problem: ImportProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class _OtherPhone(_Rejected):
    """The id belongs to an identity with another phone."""


class _AuditNeeded(Exception):
    """An identity that exists would change, and the audit has no entry of it yet."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What is known before the import.

    Attributes:
        user: The user.
        known_id: The id that an earlier import of the same user gave to the identity. None if
            nothing but the phone says who it is.
        username: The name; None without one, or if it is refused.
        problem: Why there is no name.
        message: What the rules say about it.
        now: The time of the import.
        new_id: The id of an identity that does not exist yet.
        imported_id: The id that an import gave the phone.
        holder_ids: The identities with a role that keep look-alikes of their name from others.
        has_blocked: Whether this import has blocked the phone.
    """

    user: ImportedUser
    known_id: str | None
    username: Username | None
    problem: ImportProblem | None
    message: str
    now: datetime
    new_id: str
    imported_id: str | None = None
    holder_ids: frozenset[str] = frozenset()
    has_blocked: bool = False

    def without_username(self) -> "_Attempt":
        return replace(self, username=None, problem=ImportProblem.USERNAME_IN_USE)

    def assign(
        self, verification: PhoneVerification, closed_id: str | None
    ) -> tuple[PhoneVerification, str]:
        """Return the phone with an owner, and the owner's id.

        An identity with `closed_id` is no owner.
        """
        if verification.blocked_at is not None and not self.user.is_blocked:
            raise _Rejected(ImportProblem.PHONE_BLOCKED)
        owner_id = verification.identity_id
        if owner_id is None or owner_id == closed_id:
            owned = verification.change_owner(self.new_id)
            return replace(owned, imported_id=self.new_id), self.new_id
        return verification, owner_id

    def save(self, identity: Identity | None, identity_id: str) -> tuple[Identity, ImportResult]:
        """Return the identity with the data of the user, and the result."""
        if identity is None:
            if self.user.id not in (None, identity_id):
                raise _Rejected(ImportProblem.PHONE_IN_USE)
            # Nobody was told of a user, so the block is no event.
            blocked_at = self.now if self.user.is_blocked else None
            created = Identity(
                identity_id,
                self.user.phone,
                self.now,
                last_used_at=self.now,
                blocked_at=blocked_at,
                imported=Imported(was_blocked=self.user.is_blocked),
            )
            successor = self._set_claims(self._complete(created))
            result = self._to_result(ImportOutcome.CREATED, successor)
            return successor, replace(result, is_blocked=self.user.is_blocked)
        is_completable = self._is_completable(identity)
        self._check(identity, is_completable=is_completable)
        is_blocked = self.has_blocked or self._needs_block(identity)
        successor = self._set_claims(self._complete(identity) if is_completable else identity)
        if is_blocked:
            successor = replace(successor, imported=successor.imported.mark_blocked())
        if successor == identity:
            return identity, self._to_result(ImportOutcome.UNCHANGED, identity)
        if identity.is_blocked and not self.user.is_blocked:
            raise _Rejected(ImportProblem.PHONE_BLOCKED)
        result = self._to_result(ImportOutcome.COMPLETED, successor)
        return successor, replace(result, is_blocked=is_blocked)

    def _needs_block(self, identity: Identity) -> bool:
        """Return whether the account of the user is to be blocked.

        Not if an operator has unblocked it since an import blocked it.
        """
        is_done = identity.is_blocked or identity.imported.was_blocked
        if not self.user.is_blocked or is_done:
            return False
        was_imported = identity.imported.at is not None or self._is_completable(identity)
        is_derived = self.user.id is None and identity.id == self.known_id
        if identity.staff.role is not Role.MEMBER or not (was_imported or is_derived):
            raise _Rejected(ImportProblem.NOT_BLOCKED)
        return True

    def _check(self, identity: Identity, *, is_completable: bool) -> None:
        """Reject an identity that is somebody else's, or has other data."""
        user = self.user
        if not identity.owns(user.phone):
            raise _OtherPhone(ImportProblem.ID_IN_USE)
        if identity.is_closed or user.id not in (None, identity.id):
            raise _Rejected(ImportProblem.PHONE_IN_USE)
        kept_external_ids = (None, identity.external_id)
        if user.external_id not in kept_external_ids and not (
            is_completable and identity.external_id is None
        ):
            raise _Rejected(ImportProblem.PHONE_IN_USE)
        has_other_name = (
            self.username is not None
            and identity.username is not None
            and not self.username.is_same(identity.username)
        )
        if has_other_name and not self._is_this_user(identity):
            raise _Rejected(ImportProblem.PHONE_IN_USE)

    def _is_this_user(self, identity: Identity) -> bool:
        """Return whether it is this user's, who may have another name here."""
        external_id = self.user.external_id
        has_same_id = identity.id == self.known_id or (
            external_id is not None and identity.external_id == external_id
        )
        return has_same_id or identity.imported.at is not None

    def _is_completable(self, identity: Identity) -> bool:
        """Return whether an import may complete it.

        - An identity that only joined by a call is nobody's.
        - After the first sign-in, what an import made is its owner's.
        - A login may have made it under the id that an import gave the phone, or that is derived
          from the external id, before that import has.
        - No import changes an identity with a role.
        """
        if identity.staff.role is not Role.MEMBER:
            return False
        if not identity.is_verified:
            return True
        if identity.imported.at is not None:
            return not identity.has_signed_in
        is_derived = self.user.id is None and identity.id == self.known_id
        return identity.id == self.imported_id or (is_derived and identity.external_id is None)

    def _complete(self, identity: Identity) -> Identity:
        created_at = min(self.user.created_at or self.now, self.now)
        completed = identity.mark_imported(created_at, self.now)
        if self.user.external_id is not None:
            completed = replace(completed, external_id=self.user.external_id)
        if self.username is not None and identity.user is None:
            completed = set_free_username(completed, self.username, created_at, self.holder_ids)
        return completed

    def _set_claims(self, identity: Identity) -> Identity:
        claims = self.user.claims
        return identity if claims is None else replace(identity, claims=claims)

    def _to_result(self, outcome: ImportOutcome, identity: Identity) -> ImportResult:
        if identity.user is not None:
            return ImportResult(outcome, identity_id=identity.id)
        return ImportResult(outcome, self.problem, self.message, identity.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportUser:
    """Import a user from elsewhere: phone, ids, name and time of creation.

    - Roles, sessions and days of use are not imported.
    - A user who is blocked there is blocked here as by an operator, before the account exists; also
      an account that an earlier import made, until an operator unblocks it. Nobody is unblocked.
    - A first sign-in is a login to the imported identity.
    - The phone is first assigned to an id, then the identity is created under it. If the owner
      signs in in between, or the import is killed, the identity has that id, and a repeat completes
      it. The id of a user without one is derived from the external id, so that a repeat knows it.
    - What an import made is marked, and only that is completed, until its owner has signed in.
      Each identity that exists and changes has an audit entry of its own.
    - The unique index decides who has an external id. A phone whose user has none for that reason
      stays assigned: its owner gets the id at the sign-in.
    - The claims of a user are set also where the account is there: millions are set by an import.
    - A repeat changes nothing. It brings no account back that was deleted.
    - A deleted or detached identity of the phone counts as none, as at a sign-in.
    - An identity whose owner only joined by a call, which proves nothing, becomes this user's.
    - The identity counts as used now: otherwise a phone that was unused for long would be
      recycled at the first sign-in.
    - A user whose name is in use, looks like that of somebody with a role, or is refused by our
      rules, is imported without it.
    """

    identities: Identities
    phone_verifications: PhoneVerifications
    keyed_hashes: KeyedHashes
    record_act: RecordAct
    operator_actions: OperatorActions
    clock: Clock
    randomness: Randomness
    test_otps: TestOtps
    username_rules: UsernameRules

    async def __call__(self, user: ImportedUser, run: ImportRun | None) -> ImportResult:
        """Import the user. Without a run, only say what would become of it.

        Raises:
            AuditFailed: Nothing was changed.
            StorageError
            CorruptRecord
        """
        try:
            attempt = self._begin(user)
            if run is not None and user.is_blocked:
                attempt = await self._block(attempt, run)
            result = await self._import(attempt, run)
        except _Rejected as error:
            return ImportResult(ImportOutcome.REJECTED, error.problem)
        is_new = run is None and result.outcome is ImportOutcome.CREATED
        return replace(result, identity_id=None) if is_new else result

    def _begin(self, user: ImportedUser) -> _Attempt:
        known_id, username, problem, message = user.id, None, None, ""
        if known_id is None and user.external_id is not None:
            known_id = self.keyed_hashes.hash_external_id(user.external_id)[:_ID_LENGTH]
        if user.username is not None:
            try:
                username = parse_username(user.username, self.username_rules)
            except InvalidValue as error:
                problem, message = ImportProblem.USERNAME_REFUSED, error.message
        now = self.clock.now()
        new_id = known_id or make_identifier(now, self.randomness.bytes(RANDOM_BYTES))
        return _Attempt(user, known_id, username, problem, message, now, new_id)

    async def _block(self, attempt: _Attempt, run: ImportRun) -> _Attempt:
        """Block the phone, unless the user is rejected or nothing is left to do."""
        planned = await self._import(attempt, None)
        if not planned.is_blocked:
            return attempt
        subject = planned.identity_id or attempt.new_id
        async with self.record_act(run.actor, AuditAction.BLOCK, subject, run.reason):
            await self.operator_actions.block(attempt.user.phone)
        return replace(attempt, has_blocked=True)

    async def _import(self, attempt: _Attempt, run: ImportRun | None) -> ImportResult:
        phone, known_id = attempt.user.phone, attempt.known_id
        if self.test_otps.includes(phone):
            raise _Rejected(ImportProblem.TEST_PHONE)
        loaded, known, holder_ids = await asyncio.gather(
            self.phone_verifications.load(phone),
            self._load(known_id),
            self._find_holders(attempt.username),
        )
        attempt = replace(attempt, holder_ids=holder_ids)
        owner_id = loaded.value.identity_id
        attempt = replace(attempt, imported_id=loaded.value.imported_id)
        owner = known if owner_id == known_id else await self._load(owner_id)
        if owner is None or owner.value.is_closed:
            if known is not None:
                is_deleted = known.value.is_deleted
                raise _Rejected(
                    ImportProblem.USER_DELETED if is_deleted else ImportProblem.ID_IN_USE
                )
            closed_id = owner.value.id if owner else None
            if run is None:
                _, owner_id = attempt.assign(loaded.value, closed_id)
            else:
                owner_id = await change(
                    self.phone_verifications,
                    phone,
                    lambda verification: attempt.assign(verification, closed_id),
                    loaded=loaded,
                )
            if owner_id == attempt.new_id:
                attempt = replace(attempt, imported_id=owner_id)
            owner = None
        else:
            owner_id = owner.value.id
        if run is None:
            return await self._try(attempt, owner_id, owner)
        return await self._save(attempt, owner_id, owner, run)

    async def _save(
        self,
        attempt: _Attempt,
        identity_id: str,
        loaded: Versioned[Identity | None] | None,
        run: ImportRun,
        *,
        is_audited: bool = False,
    ) -> ImportResult:
        def save(identity: Identity | None) -> tuple[Identity, ImportResult]:
            successor, result = attempt.save(identity, identity_id)
            if result.outcome is ImportOutcome.COMPLETED and not is_audited:
                raise _AuditNeeded
            return successor, result

        try:
            loaded = loaded or Versioned(None, 0)
            return await change(self.identities, identity_id, save, loaded=loaded)
        except _AuditNeeded:
            action = AuditAction.IMPORT_USERS
            async with self.record_act(run.actor, action, identity_id, run.reason):
                return await self._save(attempt, identity_id, loaded, run, is_audited=True)
        except _OtherPhone:
            await self._release_phone(attempt.user.phone, identity_id)
            raise
        except UniqueViolation:
            await self._check_external_id(attempt, identity_id)
            if attempt.username is None:
                raise
        attempt = attempt.without_username()
        return await self._save(attempt, identity_id, loaded, run, is_audited=is_audited)

    async def _try(
        self, attempt: _Attempt, identity_id: str, owner: Versioned[Identity | None] | None
    ) -> ImportResult:
        """Return what `_save` would, without its writes."""
        identity = owner.value if owner else None
        if attempt.username is not None and (identity is None or identity.user is None):
            holder = await self.identities.find_by_username(attempt.username)
            if holder or attempt.holder_ids - {identity_id}:
                attempt = attempt.without_username()
        _, result = attempt.save(identity, identity_id)
        if identity is None or identity.external_id is None:
            await self._check_external_id(attempt, identity_id)
        return result

    async def _load(self, identity_id: str | None) -> Versioned[Identity] | None:
        return await self.identities.load(identity_id) if identity_id else None

    async def _find_holders(self, username: Username | None) -> frozenset[str]:
        return await find_holders(self.identities, username) if username else frozenset()

    async def _check_external_id(self, attempt: _Attempt, owner_id: str | None) -> None:
        """Reject the user if another identity than the owner's has the external id."""
        if attempt.user.external_id is None:
            return
        holder = await self.identities.find_by_external_id(attempt.user.external_id)
        if holder is not None and holder.value.id != owner_id:
            raise _Rejected(ImportProblem.EXTERNAL_ID_IN_USE)

    async def _release_phone(self, phone: PhoneNumber, identity_id: str) -> None:
        """Take the phone from an identity with another one.

        Two imports at the same time gave one id to two phones. The second owner would sign in to
        the account of the first.
        """

        def release(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
            is_owner = verification.identity_id == identity_id
            return (verification.change_owner(None) if is_owner else verification), None

        await change(self.phone_verifications, phone, release)
