"""The state of a user and the audit in words, for `dialtone` and the web console."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from application.administration.find_user import PhoneHold
from application.ports.otp import DeliveryStatus
from domain.administration.audit import Actor, ActorKind
from domain.identities.identity import Identity
from domain.identities.session import Session, TokenRepeat

ACTOR_KINDS: Final = {
    ActorKind.ADMINISTRATOR: "administrator",
    ActorKind.USER: "user",
    ActorKind.SERVICE_TOKEN: "service token",
    ActorKind.OPERATING_SYSTEM_USER: "operator",
}


def describe_actor_kind(actor: Actor) -> str:
    """Say who an actor is: the role at that time, or what kind of actor."""
    return actor.role or ACTOR_KINDS[actor.kind]


def describe_status(identity: Identity) -> str:
    """Say whether somebody can sign in to the account."""
    if identity.deleted_at is not None:
        return f"deleted {format_time(identity.deleted_at)}"
    if identity.detached_at is not None:
        return f"lost its phone number to another account {format_time(identity.detached_at)}"
    if identity.blocked_at is not None:
        return f"blocked since {format_time(identity.blocked_at)}"
    if not identity.is_verified:
        return "joined by a call: nobody has signed in yet"
    return "active"


def describe_delivery(status: str) -> str:
    """Say what became of a message or call with a code."""
    if status == DeliveryStatus.UNKNOWN.value:
        return "unknown: the provider did not confirm it in time; it may have arrived"
    return status


def describe_hold(hold: PhoneHold, *, is_blocked: bool) -> str:
    """Say for whom a phone is held, and until when."""
    until = format_time(hold.undo_until)
    undo = f"undo is possible until {until}{', but not while it is blocked' * is_blocked}"
    return f"account {hold.identity.id}, which has another number: {undo}"


def describe_last_use(time: datetime) -> str:
    """Say when the account was used, which is recorded once a day."""
    return f"{format_time(time)}, or up to a day later"


def describe_devices(expiry_times: Sequence[datetime]) -> str:
    """Say until when each device is recognized."""
    return ", ".join(f"until {time:%Y-%m-%d}" for time in expiry_times) or "none"


def describe_token_repeats(repeats: Sequence[TokenRepeat], sessions: Sequence[Session]) -> str:
    """Say when refresh tokens came twice from two networks; empty if none did."""
    devices = {session.id: session.device or "unknown device" for session in sessions}
    times = [
        f"{format_time(repeat.repeated_at)} ({devices.get(repeat.session_id, 'session has ended')})"
        for repeat in repeats
    ]
    return f"sent again within ten seconds from another network: {', '.join(times)}" * bool(times)


def format_time(time: datetime) -> str:
    """Return a time in UTC, to the second."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
