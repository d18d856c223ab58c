"""Users and the audit in words, for `dialtone` and the web console."""

from datetime import UTC, datetime
from typing import Final

from domain.administration.audit import Actor, ActorKind

ACTOR_KINDS: Final = {
    ActorKind.ADMINISTRATOR: "administrator",
    ActorKind.USER: "user",
    ActorKind.SERVICE_TOKEN: "service token",
    ActorKind.OPERATING_SYSTEM_USER: "operator",
}


def describe_actor_kind(actor: Actor) -> str:
    """Say who an actor is: the role at that time, or what kind of actor."""
    return actor.role or ACTOR_KINDS[actor.kind]


def describe_actor(actor: Actor) -> str:
    """Say who an actor is. Example: `operator jane (root@web-1, a claim)`."""
    notes = [*filter(None, [actor.name]), *(["a claim"] if actor.is_claim else [])]
    described = f" ({', '.join(notes)})" if notes else ""
    return f"{describe_actor_kind(actor)} {actor.id}{described}"


def format_time(time: datetime) -> str:
    """Return a time in UTC, to the second."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
