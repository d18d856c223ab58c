"""`dialtone user show`."""

from argparse import Namespace
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from application.administration.show_user import (
    PhoneHold,
    ShownDelivery,
    ShownEvents,
    UserDetails,
)
from domain.identities.identity import Identity
from domain.identities.phone_change import PhoneChange, PhoneChangeStep
from domain.identities.session import Session
from domain.voice.call import Call
from entrypoints.bootstrap import Part
from entrypoints.commands.user_calls import UserCall, call_for_user
from entrypoints.settings.settings import Settings
from entrypoints.verification_words import describe_verification

_STEPS: Final = {
    PhoneChangeStep.ASSIGN: "the new number is assigned",
    PhoneChangeStep.RELEASE: "the former number is released",
    PhoneChangeStep.NOTIFY: "the former number gets a message",
}


def show(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Show what is known about a user, or about a phone without an account."""

    async def describe(call: UserCall) -> UserDetails:
        return await call.use_cases.administration.show_user(
            call.caller, call.query, call.reason, with_full_number=arguments.full_number
        )

    details = call_for_user(settings, arguments, describe, [Part.LIMITS])
    now = datetime.now(UTC)
    return [_to_json(details, now)] if arguments.json else render_details(details, now)


def _to_json(details: UserDetails, now: datetime) -> str:
    from msgspec import json

    from entrypoints.http.admin.schemas import to_details_response

    return json.encode(to_details_response(details, now)).decode()


def render_details(details: UserDetails, now: datetime) -> Iterator[str]:
    """Yield the lines that show a user."""
    identity = details.user.identity
    if identity is None:
        yield "This phone has no account."
    else:
        yield _row("account", identity.id)
        yield _row("status", _describe_status(identity))
    if details.number is not None:
        yield _row("phone", details.number)
        yield _row("in today's log", f"phone_hash {details.phone_hash}")
    if details.hold is not None:
        is_blocked = details.verification is not None and details.verification.blocked_since
        yield _row("held for", _describe_hold(details.hold, is_blocked=bool(is_blocked)))
    if identity is not None:
        yield from _render_identity(identity)
        yield from _render_phone_changes(details, identity)
    if identity is not None and not identity.is_deleted:
        yield _row("sessions", str(len(details.sessions)))
        yield from (f"  {_describe_session(session)}" for session in details.sessions)
        devices = (f"until {device.expires_at:%Y-%m-%d}" for device in details.devices)
        yield _row("recognized devices", ", ".join(devices) or "none")
    if details.events.waiting or details.events.failed:
        yield _row("events", _describe_events(details.events))
    if details.verification is not None:
        yield _row("verification", describe_verification(details.verification, now))
        yield _row("limit resets left", f"{details.verification.resets_left} today")
        yield _row("deliveries", f"{len(details.deliveries)} within a day")
        yield from (f"  {_describe_delivery(shown)}" for shown in details.deliveries)
    if details.usage is not None:
        yield _row("library", _describe_library(details))
        yield _row("last calls", str(len(details.calls)))
        yield from (f"  {_describe_call(call)}" for call in details.calls)


def _render_identity(identity: Identity) -> Iterator[str]:
    if not identity.is_deleted:
        yield _row("username", identity.username.text if identity.username else "none")
        if identity.external_id is not None:
            yield _row("external id", identity.external_id)
        yield _row("role", identity.role.value)
    yield _row("created", _format_time(identity.created_at))
    if identity.last_used_at is not None:
        yield _row("last used", f"{_format_time(identity.last_used_at)}, or up to a day later")


def _render_phone_changes(details: UserDetails, identity: Identity) -> Iterator[str]:
    if identity.phone_change is not None and not identity.is_deleted:
        yield _row("number changes", _describe_change(identity.phone_change))
    if details.undo_deadlines:
        deadlines = ", ".join(map(_format_time, details.undo_deadlines))
        yield _row("undo possible", f"by a former number, until {deadlines}")
    if details.phone_change_allowed_at is not None:
        allowed_at = _format_time(details.phone_change_allowed_at)
        yield _row("next change", f"by the owner from {allowed_at} on: the last one was undone")


def _describe_change(change: PhoneChange) -> str:
    kind = "an undo" if change.is_undo else "a change"
    since = _format_time(change.started_at)
    return f"{kind} is under way since {since}; next: {_STEPS[change.step]}"


def _describe_hold(hold: PhoneHold, *, is_blocked: bool) -> str:
    until = _format_time(hold.undo_until)
    undo = f"undo is possible until {until}{', but not while it is blocked' * is_blocked}"
    return f"account {hold.identity_id}, which has another number: {undo}"


def _describe_status(identity: Identity) -> str:
    if identity.deleted_at is not None:
        return f"deleted {_format_time(identity.deleted_at)}"
    if identity.detached_at is not None:
        since = _format_time(identity.detached_at)
        return f"lost its phone number to another account {since}: dialtone user restore"
    if identity.blocked_at is not None:
        return f"blocked since {_format_time(identity.blocked_at)}"
    if not identity.is_verified:
        return "joined by a call: nobody has signed in yet"
    return "active"


def _describe_session(session: Session) -> str:
    created, used = _format_time(session.created_at), _format_time(session.last_seen_at)
    return f"{_printable(session.device or 'unknown device')}: since {created}, last used {used}"


def _describe_delivery(shown: ShownDelivery) -> str:
    delivery = shown.delivery
    parts = [
        _format_time(delivery.sent_at),
        delivery.channel.value,
        delivery.provider,
        shown.status,
    ]
    error = f", error: {shown.error}" if shown.error else ""
    return _printable(" ".join(filter(None, parts)) + error)


def _describe_events(events: ShownEvents) -> str:
    parts = [
        f"{events.waiting} not sent yet" if events.waiting else "",
        f"{events.failed} kept after three days: dialtone events retry" if events.failed else "",
    ]
    return ", ".join(filter(None, parts))


def _describe_library(details: UserDetails) -> str:
    usage, quota = details.usage, details.quota
    if usage is None:
        return "none"
    megabytes, allowed = usage.used_bytes / 10**6, quota.max_bytes / 10**6
    return f"{usage.used_items} of {quota.max_items} items, {megabytes:.1f} of {allowed:.1f} MB"


def _describe_call(call: Call) -> str:
    seconds = f", {call.duration.total_seconds():.0f} s" if call.duration else ""
    outcome = f", {call.outcome.value}" if call.outcome else ""
    started_at = _format_time(call.started_at)
    return f"{started_at} {call.direction.value} {call.status.value}{seconds}{outcome}"


def _row(name: str, value: str) -> str:
    return f"{name + ':':<20}{_printable(value)}"


def _format_time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _printable(text: str) -> str:
    """Replace what a terminal would act on: some texts come from clients and providers."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "?" for character in text)
