"""`dialtone user show`."""

from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from application.administration.acts import VIEW_PHONE
from application.administration.show_user import UserDetails
from application.otp.feature import LimitsFeature
from domain.identities.identity import Identity
from domain.identities.session import Session
from entrypoints.commands.user_calls import UserCall, call_for_user
from entrypoints.core.details import DETAILS
from entrypoints.core.limits import LIMITS
from entrypoints.features import FEATURES
from entrypoints.features.feature import Feature
from entrypoints.settings.settings import Settings
from entrypoints.words.act_words import NO_ACCOUNT
from entrypoints.words.code_words import ONLY_IN_LOG, CodeRow, list_codes
from entrypoints.words.user_rows import UserRow, UserRowPlace, rows_at
from entrypoints.words.user_words import (
    describe_devices,
    describe_hold,
    describe_last_use,
    describe_status,
    describe_token_repeats,
    format_time,
)
from entrypoints.words.verification_words import describe_verification


def show(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Show what is known about a user, or about a phone without an account."""

    async def describe(call: UserCall) -> UserDetails:
        return await call.use_cases.of(LimitsFeature).show_user(
            call.caller, call.query, call.reason, with_full_number=arguments.full_number
        )

    # Only a full number is in the audit.
    act = VIEW_PHONE if arguments.full_number else None
    details = call_for_user(settings, arguments, describe, [LIMITS, DETAILS], act=act)
    now = datetime.now(UTC)
    return [_to_json(details, now)] if arguments.json else render_details(details, now)


def _to_json(details: UserDetails, now: datetime) -> str:
    from msgspec import json

    from entrypoints.http.user_details import UserDetailsForm

    form = UserDetailsForm([each for feature in FEATURES for each in feature.user_fields()])
    return json.encode(form.to_response(details, now)).decode()


def render_details(
    details: UserDetails, now: datetime, features: Sequence[Feature] = FEATURES
) -> Iterator[str]:
    """Yield the lines that show a user, with those of features."""
    identity = details.user.identity
    rows = [row for feature in features for row in feature.user_rows(details)]
    if identity is None:
        yield NO_ACCOUNT
    else:
        yield _row("account", identity.id)
        yield _row("status", _describe_status(identity))
    if details.number is not None:
        yield _row("phone", details.number)
        yield _row("in today's log", f"phone_hash {details.phone_hash}")
        yield _row("in yesterday's log", f"phone_hash {details.phone_hash_of_yesterday}")
    if details.user.hold is not None:
        is_blocked = details.verification is not None and details.verification.blocked_since
        yield _row("held for", describe_hold(details.user.hold, is_blocked=bool(is_blocked)))
    if identity is not None:
        yield from _render_identity(identity)
    yield from _render_rows(UserRowPlace.ACCOUNT, rows)
    yield from _render_rows(UserRowPlace.PHONE, rows)
    if identity is not None and not identity.is_deleted:
        yield _row("sessions", str(len(details.sessions)))
        yield from (f"  {_describe_session(session)}" for session in details.sessions)
        if repeats := describe_token_repeats(details.token_repeats, details.sessions):
            yield _row("refresh tokens", repeats)
        expiry_times = [device.expires_at for device in details.devices]
        yield _row("recognized devices", describe_devices(expiry_times))
        yield from _render_rows(UserRowPlace.DEVICES, rows)
    yield from _render_rows(UserRowPlace.SESSIONS, rows)
    if details.verification is not None:
        yield _row("verification", describe_verification(details.verification, now))
        yield _row("limit resets left", f"{details.verification.resets_left} today")
        yield _row("operator codes", f"{details.verification.operator_codes_left} left today")
        rejections = len(details.verification.rejections)
        rejected = f", rejected requests: {rejections}" if rejections else ""
        yield _row("deliveries", f"{len(details.deliveries)} within a day{rejected}")
        yield from (f"  {_render_code(row)}" for row in list_codes(details))
        if not details.verification.keeps_rejections:
            yield _row("rejected requests", ONLY_IN_LOG)
    yield from _render_rows(UserRowPlace.END, rows)


def _render_rows(place: UserRowPlace, rows: Sequence[UserRow]) -> Iterator[str]:
    for row in rows_at(place, rows):
        command = f": {row.command}" if row.command else ""
        yield _row(row.label, f"{row.value}{command}")
        yield from (f"  {_printable(item)}" for item in row.items or ())


def _render_identity(identity: Identity) -> Iterator[str]:
    if not identity.is_deleted:
        yield _row("username", identity.username.text if identity.username else "none")
        if identity.external_id is not None:
            yield _row("external id", identity.external_id)
        yield _row("role", identity.staff.role.value)
    yield _row("created", format_time(identity.created_at))
    if identity.imported.at is not None:
        yield _row("imported", format_time(identity.imported.at))
    if identity.last_used_at is not None:
        yield _row("last used", describe_last_use(identity.last_used_at))


def _describe_status(identity: Identity) -> str:
    status = describe_status(identity)
    is_lost = identity.detached_at is not None and not identity.is_deleted
    return f"{status}: dialtone user restore" if is_lost else status


def _describe_session(session: Session) -> str:
    created, used = format_time(session.created_at), format_time(session.last_seen_at)
    return f"{_printable(session.device or 'unknown device')}: since {created}, last used {used}"


def _render_code(row: CodeRow) -> str:
    parts = [format_time(row.at), row.channel, row.provider, row.status]
    error = f", error: {row.error}" if row.error else ""
    return _printable(" ".join(filter(None, parts)) + error)


def _row(name: str, value: str) -> str:
    return f"{name + ':':<20}{_printable(value)}"


def _printable(text: str) -> str:
    """Replace what a terminal would act on: some texts come from clients and providers."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "?" for character in text)
