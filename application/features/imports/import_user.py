"""Import a user from elsewhere."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from application.features.imports.lines import ImportOutcome, ImportProblem, ImportResult, ImportRun
from application.features.imports.user_lines import ImportedUser
from application.identities.acts_on_users import OperatorActions
from application.identities.users import find_holders
from application.ports.errors import ConcurrencyConflict, UniqueViolation
from application.ports.identities import Identities
from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import PhoneVerifications
from application.ports.system import Clock, Randomness
from application.ports.versioned import Versioned
from application.record_act import RecordAct
from domain.administration.audit import AuditAction
from domain.errors import InvalidValue
from domain.identifier import IDENTIFIER_LENGTH, RANDOM_BYTES, make_identifier
from domain.identities.identity import Identity
from domain.identities.imported import Imported
from domain.identities.role import Role
from domain.identities.username import Username, UsernameRules, parse_username
from domain.otp.fixed_codes import FixedCodes
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

_MAX_ATTEMPTS: Final = 20


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A user as it is imported.

    Attributes:
        known_id: The id that every import of the user gives to the identity. None if only the phone
            says who it is.
    """

    user: ImportedUser
    known_id: str | None
    new_id: str
    username: Username | None
    problem: ImportProblem | None
    message: str
    now: datetime

    @property
    def created_at(self) -> datetime:
        return min(self.user.created_at or self.now, self.now)


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is stored of a user, and of what it wants.

    Attributes:
        owner: The identity to which the phone is assigned, if it exists.
        name_holder_ids: Whose names keep others from the username.
    """

    verification: Versioned[PhoneVerification]
    owner: Versioned[Identity] | None
    known: Identity | None
    name_holder_ids: frozenset[str]
    external_id_holder_id: str | None


@dataclass(frozen=True, slots=True)
class _Step:
    """What to write next, and what became of the user when that is written.

    `blocks` is whether to block the phone before anything else, and to look again.
    """

    result: ImportResult
    blocks: bool = False
    verification: PhoneVerification | None = None
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A user and what is stored of it; `has_blocked` is whether this import blocked the phone."""

    candidate: _Candidate
    stored: _Stored
    has_blocked: bool

    def find_step(self) -> _Step:
        user, owner = self.candidate.user, self.stored.owner
        if owner is None or owner.value.is_closed:
            return self._create()
        if not owner.value.owns(user.phone):
            # Of two imports with one id at the same time, this is the later one. The owner of the
            # phone would sign in to the account of the other.
            released = self.stored.verification.value.change_owner(None)
            return _Step(user.reject(ImportProblem.ID_IN_USE), verification=released)
        return self._complete(owner.value)

    def _create(self) -> _Step:
        candidate, verification = self.candidate, self.stored.verification.value
        user, now = candidate.user, candidate.now
        # A login or an import has assigned the phone, and is about to create this identity.
        assigned_id = None if self.stored.owner else verification.identity_id
        identity_id = assigned_id or candidate.new_id
        if problem := self._find_problem(identity_id):
            return _Step(user.reject(problem))
        identity = Identity(
            identity_id,
            user.phone,
            now,
            last_used_at=now,
            blocked_at=now if user.is_blocked else None,  # the app knows no user yet: no event
            imported=Imported(was_blocked=user.is_blocked),
        )
        if assigned_id is None:
            verification = replace(verification.change_owner(identity_id), imported_id=identity_id)
        created = self._set_claims(self._add_data(identity))
        return _Step(
            self._to_result(ImportOutcome.CREATED, created, is_blocked=user.is_blocked),
            blocks=user.is_blocked and not verification.is_blocked,
            verification=None if assigned_id else verification,
            identity=created,
        )

    def _find_problem(self, identity_id: str) -> ImportProblem | None:
        """Return why no identity is created for a phone that has none."""
        user, stored = self.candidate.user, self.stored
        if stored.known is not None:
            is_deleted = stored.known.is_deleted
            return ImportProblem.USER_DELETED if is_deleted else ImportProblem.ID_IN_USE
        if stored.verification.value.is_blocked and not user.is_blocked:
            return ImportProblem.PHONE_BLOCKED
        if user.id not in (None, identity_id):
            return ImportProblem.PHONE_IN_USE
        if stored.external_id_holder_id not in (None, identity_id):
            return ImportProblem.EXTERNAL_ID_IN_USE
        return None

    def _complete(self, identity: Identity) -> _Step:
        user, holder_id = self.candidate.user, self.stored.external_id_holder_id
        is_completable = self._is_completable(identity)
        may_block = self._may_block(identity, is_completable=is_completable)
        wants_block = user.is_blocked and not identity.imported.was_blocked
        if self._has_other_data(identity, is_completable=is_completable):
            return _Step(user.reject(ImportProblem.PHONE_IN_USE))
        if wants_block and not identity.is_blocked and not may_block:
            return _Step(user.reject(ImportProblem.NOT_BLOCKED))
        if identity.external_id is None and holder_id not in (None, identity.id):
            return _Step(user.reject(ImportProblem.EXTERNAL_ID_IN_USE))
        successor = self._set_claims(self._add_data(identity) if is_completable else identity)
        if wants_block and may_block:
            # Also if an import was killed after the block, or an operator has blocked the user.
            successor = replace(successor, imported=successor.imported.mark_blocked())
        if successor == identity:
            return _Step(self._to_result(ImportOutcome.UNCHANGED, identity))
        if identity.is_blocked and not user.is_blocked:
            return _Step(user.reject(ImportProblem.PHONE_BLOCKED))
        blocks = wants_block and not identity.is_blocked
        is_blocked = blocks or self.has_blocked
        result = self._to_result(ImportOutcome.COMPLETED, successor, is_blocked=is_blocked)
        return _Step(result, blocks=blocks, identity=successor)

    def _is_completable(self, identity: Identity) -> bool:
        """Return whether an import may complete an identity.

        A login may have made it under the id that an import gave the phone, or that is derived from
        the external id, before that import has.
        """
        if identity.staff.role is not Role.MEMBER:
            return False
        if not identity.is_verified:
            return True
        if identity.imported.at is not None:
            return not identity.has_signed_in
        is_assigned = identity.id == self.stored.verification.value.imported_id
        return is_assigned or (self._is_derived(identity) and identity.external_id is None)

    def _may_block(self, identity: Identity, *, is_completable: bool) -> bool:
        """Return whether an import may block it: none that was made here, or has a role."""
        was_imported = identity.imported.at is not None or is_completable
        is_member = identity.staff.role is Role.MEMBER
        return is_member and (was_imported or self._is_derived(identity))

    def _is_derived(self, identity: Identity) -> bool:
        return self.candidate.user.id is None and identity.id == self.candidate.known_id

    def _has_other_data(self, identity: Identity, *, is_completable: bool) -> bool:
        """Return whether the owner of the phone is somebody else, or has another id."""
        user = self.candidate.user
        if user.id not in (None, identity.id):
            return True
        has_external_id = user.external_id is not None and user.external_id == identity.external_id
        is_free = is_completable and identity.external_id is None
        if user.external_id is not None and not has_external_id and not is_free:
            return True
        is_this_user = (
            has_external_id
            or identity.id == self.candidate.known_id
            or identity.imported.at is not None
        )
        return (
            not is_this_user
            and self.candidate.username is not None
            and identity.username is not None
            and not self.candidate.username.is_same(identity.username)
        )

    def _add_data(self, identity: Identity) -> Identity:
        """Return an identity with what the user has; without a name that somebody else keeps."""
        completed = identity.mark_imported(self.candidate.created_at, self.candidate.now)
        if self.candidate.user.external_id is not None:
            completed = replace(completed, external_id=self.candidate.user.external_id)
        is_named = identity.user is not None or self._is_name_in_use(identity)
        if self.candidate.username is not None and not is_named:
            completed = completed.set_username(self.candidate.username, self.candidate.created_at)
        return completed

    def _set_claims(self, identity: Identity) -> Identity:
        claims = self.candidate.user.claims
        return identity if claims is None else replace(identity, claims=claims)

    def _is_name_in_use(self, identity: Identity) -> bool:
        return bool(self.stored.name_holder_ids - {identity.id})

    def _to_result(
        self, outcome: ImportOutcome, identity: Identity, *, is_blocked: bool = False
    ) -> ImportResult:
        if identity.user is not None:
            return ImportResult(outcome, is_blocked=is_blocked)
        if self._is_name_in_use(identity):
            return ImportResult(outcome, ImportProblem.USERNAME_IN_USE, is_blocked=is_blocked)
        candidate = self.candidate
        return ImportResult(outcome, candidate.problem, candidate.message, is_blocked)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportUser:
    """Import a user from elsewhere: phone, ids, name and time of creation.

    - The phone is first assigned to an id, then the identity is created under it. If the owner
      signs in in between, or the import is killed, the identity has that id, and a repeat completes
      it. The id of a user without one is derived from the external id, so that a repeat knows it.
    - The unique index decides who has an external id. A phone whose user has none for that reason
      may stay assigned: its owner gets the id at the sign-in.
    - A repeat changes nothing. It brings no account back that was deleted.
    - A deleted or detached identity of the phone counts as none, as at a sign-in.
    - The identity counts as used now: otherwise a phone that was unused for long would be
      recycled at the first sign-in.
    """

    identities: Identities
    phone_verifications: PhoneVerifications
    keyed_hashes: KeyedHashes
    record_act: RecordAct
    operator_actions: OperatorActions
    clock: Clock
    randomness: Randomness
    fixed_codes: FixedCodes
    username_rules: UsernameRules

    async def __call__(self, user: ImportedUser, run: ImportRun | None) -> ImportResult:
        """Import the user. Without a run, only say what would become of it."""
        if self.fixed_codes.includes(user.phone):
            return user.reject(ImportProblem.FIXED_CODE)
        candidate = self._make_candidate(user)
        has_blocked, audited = False, None
        for _ in range(_MAX_ATTEMPTS):
            stored = await self._look(candidate)
            step = _Comparison(candidate, stored, has_blocked).find_step()
            if run is None:
                return step.result
            subject = step.identity.id if step.identity else ""
            if step.blocks:
                async with self.record_act(run.actor, AuditAction.BLOCK, subject, run.reason):
                    await self.operator_actions.block(user.phone)
                has_blocked = True
                continue
            act: AbstractAsyncContextManager[None] = nullcontext()
            if step.result.outcome is ImportOutcome.COMPLETED and audited != subject:
                act = self.record_act(run.actor, AuditAction.IMPORT_USERS, subject, run.reason)
                audited = subject
            async with act:
                is_written = await self._write(user.phone, stored, step)
            if is_written:
                return step.result
        raise ConcurrencyConflict("others change the same user all the time")

    def _make_candidate(self, user: ImportedUser) -> _Candidate:
        known_id, username, problem, message = user.id, None, None, ""
        if known_id is None and user.external_id is not None:
            known_id = self.keyed_hashes.hash_external_id(user.external_id)[:IDENTIFIER_LENGTH]
        if user.username is not None:
            try:
                username = parse_username(user.username, self.username_rules)
            except InvalidValue as error:
                problem, message = ImportProblem.USERNAME_REFUSED, error.message
        now = self.clock.now()
        new_id = known_id or make_identifier(now, self.randomness.bytes(RANDOM_BYTES))
        return _Candidate(user, known_id, new_id, username, problem, message, now)

    async def _look(self, candidate: _Candidate) -> _Stored:
        verification, known, name_holder_ids, external_id_holder_id = await asyncio.gather(
            self.phone_verifications.load(candidate.user.phone),
            self._load(candidate.known_id),
            self._find_name_holders(candidate.username),
            self._find_external_id_holder(candidate.user),
        )
        owner_id = verification.value.identity_id
        return _Stored(
            verification=verification,
            owner=known if owner_id == candidate.known_id else await self._load(owner_id),
            known=known.value if known else None,
            name_holder_ids=name_holder_ids,
            external_id_holder_id=external_id_holder_id,
        )

    async def _load(self, identity_id: str | None) -> Versioned[Identity] | None:
        return await self.identities.load(identity_id) if identity_id else None

    async def _find_name_holders(self, username: Username | None) -> frozenset[str]:
        if username is None:
            return frozenset()
        holder, staff_ids = await asyncio.gather(
            self.identities.find_by_username(username), find_holders(self.identities, username)
        )
        return staff_ids | {holder.value.id} if holder else staff_ids

    async def _find_external_id_holder(self, user: ImportedUser) -> str | None:
        if user.external_id is None:
            return None
        holder = await self.identities.find_by_external_id(user.external_id)
        return holder.value.id if holder else None

    async def _write(self, phone: PhoneNumber, stored: _Stored, step: _Step) -> bool:
        """Write the phone, then the identity; return False if somebody else was faster."""
        found, identity = stored.verification, step.identity
        if step.verification is not None and not await self.phone_verifications.save(
            phone, step.verification, found.version
        ):
            return False
        if identity is None:
            return True
        owner = stored.owner
        version = owner.version if owner and owner.value.id == identity.id else 0
        with suppress(UniqueViolation):  # the name or the external id
            return await self.identities.save(identity.id, identity, version)
        return False
