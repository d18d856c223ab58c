"""Create, list, revoke and authenticate service tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from application.administration.operator import Operator, service_token
from application.features.admin import acts
from application.features.admin.ports import ServiceTokens
from application.limits.actor_limits import ActorLimits
from application.ports.system import Clock, Randomness
from application.record_act import RecordAct
from application.update import change
from domain.administration.audit import Actor, ActorKind
from domain.administration.scope import Scope
from domain.errors import Unauthenticated
from domain.features.admin.errors import TokenNotFound, TooManyTokenRequests
from domain.features.admin.service_token import (
    KEPT_AFTER_EXPIRY,
    REQUESTS_PER_TOKEN,
    SECRET_BYTES,
    ServiceToken,
    format_token,
    parse_token,
)
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.role import Role
from domain.secret_hash import hash_secret

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

        The text is not stored: nobody can show it again.
        """
        operator.check(acts.CREATE, reason)
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
        async with self.record_act(operator.actor, acts.CREATE.action, token.id, described):
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
        operator.check(acts.REVOKE, reason)
        now = self.clock.now()

        def revoke(token: ServiceToken) -> tuple[ServiceToken, ServiceToken]:
            revoked = token.revoke(now)
            return revoked, revoked

        found = await self.service_tokens.load(token_id)
        if found is None:
            raise TokenNotFound
        async with self.record_act(operator.actor, acts.REVOKE.action, token_id, reason):
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
