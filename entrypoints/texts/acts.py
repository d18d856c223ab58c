"""Acts, who does them and when, in words."""

from datetime import UTC, datetime
from typing import Final

from domain.administration.audit import Actor, ActorKind

NO_ACCOUNT: Final = "This phone has no account."
ACCOUNT_DELETED: Final = "This account was deleted."
HAS_FIXED_CODE: Final = (
    "This phone is in DIALTONE_TEST_OTPS, so anybody who used its code, also before its last day "
    "was over, would have the role. Remove it there, revoke its sessions (dialtone user sign-out), "
    "and try again."
)
LIMITS_RESET_TWICE: Final = "The limits of this phone were reset twice within a day."


def explain_lost_phone(remedy: str) -> str:
    """Say that an account lost its phone, and what to do."""
    return f"The phone number of this account belongs to somebody else now: {remedy}"


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
