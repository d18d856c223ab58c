"""Parsers of arguments."""

from pathlib import Path

from domain.errors import InvalidValue
from domain.identifier import parse_identifier
from domain.phone import PhoneNumber
from domain.phone import parse_phone as parse_phone_number
from entrypoints.settings.settings import Settings
from entrypoints.startup_error import CommandError, InvalidArgument


def parse_file(text: str) -> Path:
    """Parse the path of a file; raises InvalidArgument."""
    if text in ("", "-") or text.endswith("/"):
        raise InvalidArgument("This is not the path of a file. Example: /srv/backup/dialtone.db")
    return Path(text)


def parse_user(settings: Settings, text: str) -> str | PhoneNumber:
    """Parse a user id or a phone; raises CommandError."""
    try:
        user_id = parse_identifier(text)
        return user_id or parse_phone_number(text, settings.default_region, rules=None)
    except InvalidValue:
        shown = text.encode("unicode_escape").decode()
        raise CommandError(
            f"{shown} is not a user: use a user id, or a phone that has signed in."
        ) from None


def parse_phone(settings: Settings, text: str) -> PhoneNumber:
    """Parse a phone as people write it; raises CommandError."""
    try:
        return parse_phone_number(text, settings.default_region, rules=None)
    except InvalidValue as error:
        raise CommandError(error.message) from None
