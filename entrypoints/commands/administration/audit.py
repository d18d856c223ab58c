"""`dialtone audit`: who did what to whom, when and why."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Final

import click
from msgspec import json

from application.administration.find_user import FindUser
from application.administration.operator import Operator
from application.administration.use_cases import AdministrationUseCases
from application.ports.administration import AuditFilter
from application.use_cases import UseCases
from domain.administration.audit import AuditEntry
from entrypoints.commands.shared.command import Command
from entrypoints.commands.shared.operator_name import find_operator
from entrypoints.commands.shared.options import ID, PHONE, USER, json_option, limit_option
from entrypoints.commands.shared.parsing import parse_actor, parse_readings
from entrypoints.commands.shared.use_case_calls import call_with_use_cases
from entrypoints.commands.shared.user_calls import find_one
from entrypoints.http.administration.audit_entries import to_entry_response
from entrypoints.settings.settings import Settings
from entrypoints.texts.acts import describe_actor

_SUBJECT: Final = re.compile(r"[0-9a-f]{16,64}")
_NO_ENTRIES: Final = "There are no entries. A deleted account's entries are found by its id."


@click.command(cls=Command, examples=["", PHONE, f"--by administrator:{ID} --limit 200"])
@click.argument(
    "user",
    required=False,
    help=f"Only what was done to this user: {USER}, or the hash that another entry shows.",
)
@click.option(
    "--by",
    metavar="KIND:ID",
    help="Only what this one did: administrator:ID, user:ID, service_token:ID or "
    "operating_system_user:NAME.",
)
@limit_option("entries")
@json_option
def audit(
    settings: Settings, user: str | None, by: str | None, limit: int, *, as_json: bool
) -> Iterable[str]:
    """Show who did what to whom, when and why, the newest first."""
    actor = None if by is None else parse_actor(by)
    operator = find_operator()

    async def list_entries(use_cases: UseCases) -> Sequence[AuditEntry]:
        administration = use_cases.administration
        subject = None
        if user is not None:
            subject = await _find_subject(settings, administration.find_user, user)
        return await _list_all(administration, operator, AuditFilter(subject, actor), limit)

    entries = call_with_use_cases(settings, list_entries)
    if as_json:
        return map(_to_json, entries)
    return map(_render, entries) if entries else [_NO_ENTRIES]


async def _find_subject(settings: Settings, find_user: FindUser, text: str) -> str:
    """Return what the audit calls a user. A text may be that itself."""
    readings = parse_readings(settings, text)
    if _SUBJECT.fullmatch(text) and not await find_user.find_any(readings):
        return text
    return (await find_one(find_user, readings)).subject


async def _list_all(
    administration: AdministrationUseCases,
    operator: Operator,
    audit_filter: AuditFilter,
    limit: int,
) -> Sequence[AuditEntry]:
    entries, cursor = list["AuditEntry"](), None
    while len(entries) < limit:
        page = await administration.list_audit(operator, audit_filter, cursor, limit)
        entries += page.entries
        cursor = page.next_cursor
        if cursor is None:
            break
    return entries[:limit]


def _render(entry: AuditEntry) -> str:

    parts = [
        f"{entry.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        describe_actor(entry.actor),
        entry.action.value,
        entry.subject,
        f"role: {entry.role}" if entry.role else "",
        f"item: {entry.item_id}" if entry.item_id else "",
        f"count: {entry.count}" if entry.count is not None else "",
        f"reason: {entry.reason}" if entry.reason else "",
        f"failed: {entry.error}" if entry.failed_entry_id else "",
    ]
    return "  ".join(filter(None, parts))


def _to_json(entry: AuditEntry) -> str:

    return json.encode(to_entry_response(entry)).decode()
