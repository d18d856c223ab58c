"""The security events of what operators do too often."""

from dataclasses import dataclass

from application.ports.security_events import SecurityEvent


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
