"""Service tokens of backends, and the list of users."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Final, Protocol

from application.additions import Additions
from application.administration.acts import Act
from application.administration.operator import Operator, service_token
from application.limits.actor_limits import ActorLimits
from application.operations.cleanup import expire
from application.ports.administration import AuditLog
from application.ports.errors import StorageError
from application.ports.system import Clock, Randomness
from application.ports.versioned import Expiring, Records
from application.record_act import RecordAct
from application.update import change
from application.use_cases import UseCases
from domain.administration.audit import Actor, ActorKind, AuditAction, AuditEntry
from domain.administration.scopes import Scope
from domain.cursor import Cursor
from domain.errors import AuditFailed, Unauthenticated
from domain.features.admin import (
    KEPT_AFTER_EXPIRY,
    REQUESTS_PER_TOKEN,
    SECRET_BYTES,
    ServiceToken,
    TokenNotFound,
    TooManyTokenRequests,
    UserFilter,
    format_token,
    parse_token,
)
from domain.identifier import RANDOM_BYTES, hash_secret, make_identifier
from domain.identities.identity import Identity
from domain.identities.role import Role


class ServiceTokens(Records[ServiceToken], Expiring, Protocol):
    """Service tokens by id, also revoked and expired ones, until the cleanup."""

    async def list_newest(self, limit: int) -> Sequence[ServiceToken]:
        """List up to `limit` tokens, those that expire last first."""
        ...


@dataclass(frozen=True, slots=True)
class UserPage:
    """Users in the order of `created_at` and `id`, and the cursor of the next page if there is one.

    A page may be shorter than its limit although another one follows.
    """

    users: Sequence[Identity]
    next_cursor: Cursor | None


class UserList(Protocol):
    """Users in an order that no change of a user changes."""

    async def list_after(
        self, user_filter: UserFilter, cursor: Cursor | None, limit: int
    ) -> UserPage:
        """List up to `limit` users after the cursor, by an index.

        A user that cannot be read is left out, and the log says so once.

        Raises:
            CorruptRecord: Many of them cannot be read.
            StorageError
        """
        ...


@dataclass(frozen=True, slots=True)
class AdminRepositories:
    """The repositories of the REST administration."""

    service_tokens: ServiceTokens
    user_list: UserList


CREATE: Final = Act(name="create", action=AuditAction.CREATE_TOKEN)
REVOKE: Final = Act(name="revoke", action=AuditAction.REVOKE_TOKEN)
LIST: Final = Act(name="list", action=AuditAction.LIST_USERS, scope=Scope.LIST_USERS)


MAX_LISTED_TOKENS: Final = 1_000


@dataclass(frozen=True, slots=True)
class AdministerTokens:
    """Create, list and revoke service tokens. Only commands do: no API makes a token."""

    service_tokens: ServiceTokens
    record_act: RecordAct
    clock: Clock
    randomness: Randomness

    async def create(
        self,
        operator: Operator,
        name: str,
        granted: Sequence[Scope | Role],
        ttl: timedelta,
        reason: str = "",
    ) -> tuple[ServiceToken, str]:
        """Create a token, and return it with the text that the backend sends.

        The text is not stored: it cannot be shown again.
        """
        operator.check(CREATE, reason)
        now = self.clock.now()
        random = self.randomness.bytes(RANDOM_BYTES + SECRET_BYTES)
        secret = random[RANDOM_BYTES:].hex()
        token = ServiceToken(
            id=make_identifier(now, random),
            name=name,
            scopes=tuple(each for each in granted if isinstance(each, Scope)),
            roles=tuple(each for each in granted if isinstance(each, Role)),
            secret_hash=hash_secret(secret),
            created_at=now,
            created_by=operator.actor,
            expires_at=now + ttl,
        )
        # The audit is kept for longer than the token.
        described = " ".join(filter(None, [f"{name}: {', '.join(granted)}.", reason]))
        async with self.record_act(operator.actor, CREATE.action, token.id, described):
            await self.service_tokens.add(token)
        return token, format_token(token.id, secret)

    async def list(self) -> Sequence[ServiceToken]:
        """List the tokens, those that expire last first, also revoked and expired ones."""
        now = self.clock.now()
        listed = await self.service_tokens.list_newest(MAX_LISTED_TOKENS)
        return [token for token in listed if now < token.expires_at + KEPT_AFTER_EXPIRY]

    async def measure_next_expiry(self) -> float | None:
        """Return in how many seconds the next token expires; None if no token is valid."""
        now, tokens = self.clock.now(), await self.list()
        ends = [token.expires_at for token in tokens if token.is_valid(now)]
        return (min(ends) - now).total_seconds() if ends else None

    async def revoke(self, operator: Operator, token_id: str, reason: str = "") -> ServiceToken:
        """Revoke a token: from now on it is invalid.

        Raises:
            TokenNotFound
        """
        operator.check(REVOKE, reason)
        now = self.clock.now()

        def revoke(token: ServiceToken) -> tuple[ServiceToken, ServiceToken]:
            revoked = token.revoke(now)
            return revoked, revoked

        found = await self.service_tokens.load(token_id)
        if found is None:
            raise TokenNotFound
        async with self.record_act(operator.actor, REVOKE.action, token_id, reason):
            return await change(
                self.service_tokens, token_id, revoke, missing=TokenNotFound, loaded=found
            )


@dataclass(frozen=True, slots=True)
class AuthenticateServiceToken:
    """Authenticate a service token.

    - The token is read each time, so a revocation acts at once.
    - A token may send 600 requests a minute, to all instances together.
    """

    service_tokens: ServiceTokens
    limits: ActorLimits
    clock: Clock

    async def __call__(self, text: str) -> Operator:
        """Authenticate a request, and count it.

        Raises:
            Unauthenticated
            TooManyTokenRequests
        """
        parsed = parse_token(text)
        if parsed is None:
            raise Unauthenticated
        token_id, secret = parsed
        loaded = await self.service_tokens.load(token_id)
        now = self.clock.now()
        if loaded is None or not loaded.value.accepts(secret, now):
            raise Unauthenticated
        token = loaded.value
        actor = Actor(ActorKind.SERVICE_TOKEN, token.id, token.name)
        operator = service_token(actor, token.granted)
        await self.limits.acquire(
            operator.actor, "requests", REQUESTS_PER_TOKEN, TooManyTokenRequests
        )
        return operator


SUBJECT: Final = "users"
"""What the audit calls all users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsers:
    """List users by the time of their creation, with masked numbers.

    - A cursor is a position in the order of `created_at` and `id`, which stay. So a user who is
      there all the time is listed once, whatever becomes of others.
    - All pages that an operator gets within an hour are in one entry of the audit, with the number
      of users. It is raised before a page is given: a killed process has counted what it gave.
    """

    user_list: UserList
    audit_log: AuditLog
    clock: Clock
    randomness: Randomness

    async def __call__(
        self,
        operator: Operator,
        user_filter: UserFilter,
        cursor: Cursor | None,
        limit: int,
        entry: AuditEntry | None = None,
        *,
        is_shown: bool = True,
    ) -> UserPage:
        """List users after the cursor.

        `entry` of `begin` counts them, by default that of the hour. If `is_shown` is false, only
        the errors matter, and nothing is counted.

        Raises:
            AuditFailed: They were not counted, and are not given.
            StorageError
        """
        operator.check_act(LIST)
        page = await self.user_list.list_after(user_filter, cursor, limit)
        if not is_shown:
            return page
        counted = replace(entry or self._entry_of_hour(operator), count=len(page.users))
        try:
            await self.audit_log.count(counted)
        except StorageError as error:
            raise AuditFailed from error
        return page

    def begin(self, operator: Operator, reason: str) -> AuditEntry:
        """Return an entry of its own for all pages of a job."""
        operator.check(LIST, reason)
        now, random = self.clock.now(), self.randomness.bytes(RANDOM_BYTES)
        return AuditEntry(
            id=make_identifier(now, random),
            at=now,
            actor=operator.actor,
            action=LIST.action,
            subject=SUBJECT,
            reason=reason,
        )

    def _entry_of_hour(self, operator: Operator) -> AuditEntry:
        """Return the entry of the operator for this hour: all processes give it the same id."""
        now = self.clock.now()
        hour = now.replace(minute=0, second=0, microsecond=0)
        key = f"{LIST.action} {operator.actor.kind} {operator.actor.id} {hour.isoformat()}"
        return AuditEntry(
            id=make_identifier(hour, sha256(key.encode()).digest()),
            at=now,
            actor=operator.actor,
            action=LIST.action,
            subject=SUBJECT,
        )


def clean_up_tokens(repositories: AdminRepositories) -> Additions:
    """Return what the core cleans up."""
    tokens = repositories.service_tokens
    return Additions(cleanup_steps={"expired_service_tokens": expire(tokens, KEPT_AFTER_EXPIRY)})


class AdminFeature:
    """The use cases of service tokens, which commands change without the limits, and the list."""

    def __init__(self, core: UseCases, repositories: AdminRepositories) -> None:
        clock, randomness = core.system.clock, core.system.randomness
        tokens = repositories.service_tokens
        self.tokens = AdministerTokens(tokens, core.record_act, clock, randomness)
        self.authenticate_token = AuthenticateServiceToken(tokens, core.actor_limits, clock)
        self.list_users = ListUsers(
            user_list=repositories.user_list,
            audit_log=core.repositories.audit_log,
            clock=clock,
            randomness=randomness,
        )
