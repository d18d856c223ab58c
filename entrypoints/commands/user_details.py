"""`dialtone user show`."""

from argparse import Namespace
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from application.administration.show_user import ShownDelivery, ShownEvents, UserDetails
from domain.identities.identity import Identity
from domain.identities.session import Session
from domain.voice.call import Call
from entrypoints.bootstrap import Part
from entrypoints.commands.user_calls import UserCall, call_for_user
from entrypoints.settings.settings import Settings
from entrypoints.words.user_words import (
    describe_change,
    describe_delivery,
    describe_devices,
    describe_events,
    describe_hold,
    describe_last_use,
    describe_library,
    describe_next_change,
    describe_status,
    describe_token_repeats,
    describe_undo,
    format_time,
)
from entrypoints.words.verification_words import describe_verification


def show(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Show what is known about a user, or about a phone without an account."""

    async def describe(call: UserCall) -> UserDetails:
        return await call.use_cases.administration.show_user(
            call.caller, call.query, call.reason, with_full_number=arguments.full_number
        )

    # Only a full number is in the audit.
    details = call_for_user(
        settings, arguments, describe, [Part.LIMITS], needs_reason=arguments.full_number
    )
    now = datetime.now(UTC)
    return [_to_json(details, now)] if arguments.json else render_details(details, now)


def _to_json(details: UserDetails, now: datetime) -> str:
    from msgspec import json

    from entrypoints.http.user_details import to_details_response

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
    if details.user.hold is not None:
        is_blocked = details.verification is not None and details.verification.blocked_since
        yield _row("held for", describe_hold(details.user.hold, is_blocked=bool(is_blocked)))
    if identity is not None:
        yield from _render_identity(identity)
        yield from _render_phone_changes(details, identity)
    if identity is not None and not identity.is_deleted:
        yield _row("sessions", str(len(details.sessions)))
        yield from (f"  {_describe_session(session)}" for session in details.sessions)
        if repeats := describe_token_repeats(details.token_repeats, details.sessions):
            yield _row("refresh tokens", repeats)
        yield _row("recognized devices", describe_devices(details.devices))
        if identity.is_administrator:
            yield _row("console browsers", describe_devices(details.console_devices))
    if details.events.waiting or details.events.failed:
        yield _row("events", _describe_events(details.events))
    if details.verification is not None:
        yield _row("verification", describe_verification(details.verification, now))
        yield _row("limit resets left", f"{details.verification.resets_left} today")
        yield _row("operator codes", f"{details.verification.operator_codes_left} left today")
        yield _row("deliveries", f"{len(details.deliveries)} within a day")
        yield from (f"  {_describe_delivery(shown)}" for shown in details.deliveries)
    if details.usage is not None:
        yield _row("library", describe_library(details.usage, details.quota))
        yield _row("last calls", str(len(details.calls)))
        yield from (f"  {_describe_call(call)}" for call in details.calls)


def _render_identity(identity: Identity) -> Iterator[str]:
    if not identity.is_deleted:
        yield _row("username", identity.username.text if identity.username else "none")
        if identity.external_id is not None:
            yield _row("external id", identity.external_id)
        yield _row("role", identity.role.value)
    yield _row("created", format_time(identity.created_at))
    if identity.imported_at is not None:
        yield _row("imported", format_time(identity.imported_at))
    if identity.last_used_at is not None:
        yield _row("last used", describe_last_use(identity.last_used_at))


def _render_phone_changes(details: UserDetails, identity: Identity) -> Iterator[str]:
    if identity.phone_change is not None and not identity.is_deleted:
        yield _row("number changes", describe_change(identity.phone_change))
    if details.undo_deadlines:
        yield _row("undo possible", describe_undo(details.undo_deadlines))
    if details.phone_change_allowed_at is not None:
        yield _row("next change", describe_next_change(details.phone_change_allowed_at))


def _describe_status(identity: Identity) -> str:
    status = describe_status(identity)
    is_lost = identity.detached_at is not None and not identity.is_deleted
    return f"{status}: dialtone user restore" if is_lost else status


def _describe_session(session: Session) -> str:
    created, used = format_time(session.created_at), format_time(session.last_seen_at)
    return f"{_printable(session.device or 'unknown device')}: since {created}, last used {used}"


def _describe_delivery(shown: ShownDelivery) -> str:
    delivery = shown.delivery
    parts = [
        format_time(delivery.sent_at),
        delivery.channel.value,
        delivery.provider,
        describe_delivery(shown.status),
    ]
    error = f", error: {shown.error}" if shown.error else ""
    return _printable(" ".join(filter(None, parts)) + error)


def _describe_events(events: ShownEvents) -> str:
    return describe_events(events) + (": dialtone events retry" if events.failed else "")


def _describe_call(call: Call) -> str:
    seconds = f", {call.duration.total_seconds():.0f} s" if call.duration else ""
    outcome = f", {call.outcome.value}" if call.outcome else ""
    started_at = format_time(call.started_at)
    return f"{started_at} {call.direction.value} {call.status.value}{seconds}{outcome}"


def _row(name: str, value: str) -> str:
    return f"{name + ':':<20}{_printable(value)}"


def _printable(text: str) -> str:
    """Replace what a terminal would act on: some texts come from clients and providers."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "?" for character in text)
