"""`dialtone user show`."""

from collections.abc import Iterator
from datetime import UTC, datetime

import click
from msgspec import json

from application.administration.acts import VIEW_PHONE
from application.administration.show_user import UserDetails
from entrypoints.commands.shared.command import Command
from entrypoints.commands.shared.options import (
    PHONE,
    REASON,
    ActOptions,
    json_option,
    optional_act_options,
    user_argument,
)
from entrypoints.commands.shared.user_calls import UserCall, call_for_user
from entrypoints.composition.details import DETAILS
from entrypoints.composition.features import FEATURES
from entrypoints.composition.limits import LIMITS
from entrypoints.features.feature import make_user_details_form
from entrypoints.settings.settings import Settings
from entrypoints.texts.codes import ONLY_IN_LOG
from entrypoints.texts.user_rows import Row, join_rows, list_rows


@click.command(cls=Command, examples=[PHONE, f"{PHONE} --full-number {REASON}", f"{PHONE} --json"])
@user_argument
@optional_act_options
@json_option
@click.option(
    "--full-number",
    is_flag=True,
    help="Show the whole number; the audit has it, so it needs a reason.",
)
def show(
    settings: Settings, user: str, options: ActOptions, *, as_json: bool, full_number: bool
) -> Iterator[str]:
    """Show account, sessions, deliveries, and why the phone gets a code or none.

    The phone number is masked.
    """

    async def describe(call: UserCall) -> UserDetails:
        return await call.use_cases.user_details.show_user(
            call.operator, call.query, call.reason, with_full_number=full_number
        )

    # Only a full number is in the audit.
    act = VIEW_PHONE if full_number else None
    details = call_for_user(settings, user, options, describe, [LIMITS, DETAILS], act=act)
    response = make_user_details_form(FEATURES).to_response(details, datetime.now(UTC))
    if as_json:
        yield json.encode(response).decode()
        return
    rows, sections = list_rows(response)
    yield from map(_format_row, rows)
    for section in sections:
        if section.is_list:
            yield f"{section.label}: {len(section.items)}"
            yield from (f"  {_printable(join_rows(rows))}" for rows in section.items)
        else:
            yield f"{section.label}:"
            yield from (f"  {_format_row(row)}" for rows in section.items for row in rows)
    if details.verification is not None and not details.verification.keeps_rejections:
        yield ONLY_IN_LOG


def _format_row(row: Row) -> str:
    label, text = row
    return f"{label + ':':<25}{_printable(text)}"


def _printable(text: str) -> str:
    """Replace what a terminal would act on: some texts come from clients and providers."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "?" for character in text)
