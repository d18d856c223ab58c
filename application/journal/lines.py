"""The lines of the journal: JSON objects without empty members."""

import json
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Final

from domain.administration.audit import AuditAction
from domain.identities.role import Role
from domain.journal.entry import JournalEntry

_TEXTS: Final = frozenset({field.name for field in fields(JournalEntry)} - {"at", "action", "role"})


class UnreadableLine(Exception):
    """It is no line of the journal, or only a part of one."""


def render_line(entry: JournalEntry) -> str:
    """Return the line of an entry."""
    time = entry.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    members = {"time": time, **asdict(entry)}
    del members["at"]
    return json.dumps({name: member for name, member in members.items() if member is not None})


def parse_entry(line: str) -> JournalEntry:
    """Parse a line. Members that are not known are ignored.

    Raises:
        UnreadableLine
    """
    try:
        members = json.loads(line)
        at = datetime.fromisoformat(members["time"])
        action, role = AuditAction(members["action"]), members.get("role")
        texts = {name: members.get(name) for name in _TEXTS}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UnreadableLine from None
    are_texts = all(text is None or isinstance(text, str) for text in texts.values())
    known_role = None if role is None else next((each for each in Role if each == role), None)
    if at.tzinfo is None or not are_texts or (role is not None and known_role is None):
        raise UnreadableLine
    return JournalEntry(at=at, action=action, role=known_role, **texts)
