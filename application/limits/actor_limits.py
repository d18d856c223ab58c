"""Limits of what people of the staff and service tokens do, on all instances together."""

from contextlib import suppress
from dataclasses import dataclass

from application.ports.errors import CorruptRecord, StorageError
from application.ports.limits import LimitStore
from application.ports.security_events import SecurityEvent, SecurityEvents
from application.ports.system import Clock
from application.require import require
from domain.administration.act_limits import ActLimit
from domain.administration.audit import Actor, ActorKind
from domain.errors import RateLimitExceeded, TooManyActs
from domain.otp.rate_limits import LimitPurpose, RateLimit
from domain.otp.sliding_window import SlidingWindow, whole_seconds


@dataclass(frozen=True, kw_only=True)
class _ActorEvent(SecurityEvent):
    """What somebody of the staff or a service token did."""

    is_warning = True
    actor_kind: str
    actor_id: str


@dataclass(frozen=True, kw_only=True)
class ActLimitHalfUsed(_ActorEvent):
    """An act counts, and half of those of an hour or a day are used."""

    name = "act_limit_half_used"


@dataclass(frozen=True, kw_only=True)
class ActLimitReached(_ActorEvent):
    """An act was rejected: those of an hour or a day are used up."""

    name = "act_limit_reached"


@dataclass(frozen=True, slots=True)
class ActorLimits:
    """Count what people of the staff and service tokens do. Commands have no limits.

    `store` is None in a command that opens no limits.
    """

    clock: Clock
    events: SecurityEvents
    store: LimitStore | None

    @property
    def limit_store(self) -> LimitStore:
        return require(self.store, "limits")

    async def acquire(
        self, actor: Actor, name: str, window: SlidingWindow, error: type[RateLimitExceeded]
    ) -> None:
        """Count one use of a service token, which the window limits. People have no such limits."""
        if actor.kind is not ActorKind.SERVICE_TOKEN:
            return
        now = self.clock.now()
        limit = _limit_of_token(actor, name, window)
        available_at = await self.limit_store.acquire([limit], now)
        if available_at is not None:
            raise error(whole_seconds(now, available_at))

    async def check(
        self, actor: Actor, name: str, window: SlidingWindow, error: type[RateLimitExceeded]
    ) -> None:
        """Raise what `acquire` would raise now. Nothing is counted."""
        if actor.kind is not ActorKind.SERVICE_TOKEN:
            return
        now = self.clock.now()
        limit = _limit_of_token(actor, name, window)
        available_at = await self.limit_store.next_available([limit], now)
        if available_at > now:
            raise error(whole_seconds(now, available_at))

    async def acquire_act(self, actor: Actor, limit: ActLimit) -> None:
        """Count an act of a person or a service token.

        Operators are warned of each act while half of a limit is used, and when it is reached.

        Raises:
            TooManyActs
            StorageError
        """
        match actor.kind:
            case ActorKind.SERVICE_TOKEN:
                subject, windows = f"token:{actor.id}", limit.of_token
            case ActorKind.ADMINISTRATOR:
                subject, windows = f"identity:{actor.id}", limit.of_person
            case _:
                return
        now = self.clock.now()
        limits = tuple(
            RateLimit(subject, LimitPurpose.ACTS, name, window) for name, window in windows.items()
        )
        available_at = await self.limit_store.acquire(limits, now)
        of_actor = {"actor_kind": actor.kind.value, "actor_id": actor.id}
        if available_at is not None:
            self.events.record(ActLimitReached(**of_actor))
            raise TooManyActs(whole_seconds(now, available_at))
        with suppress(CorruptRecord, StorageError):  # the act is counted: only the warning is lost
            counts = await self.limit_store.count_used(limits, now)
            used = zip(counts, windows.values(), strict=True)
            if any(2 * count >= window.limit for count, window in used):
                self.events.record(ActLimitHalfUsed(**of_actor))


def _limit_of_token(actor: Actor, name: str, window: SlidingWindow) -> RateLimit:
    return RateLimit(f"token:{actor.id}", LimitPurpose.READS, name, window)
