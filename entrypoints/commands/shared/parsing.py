"""Parsers of arguments."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from application.administration.find_user import UserQuery
from domain.administration.audit import Actor, ActorKind, parse_reason
from domain.errors import ConflictingValue, InvalidValue
from entrypoints.composition.read_settings import find_text
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import InvalidArgument, SettingsError
from entrypoints.texts.user_text import parse_user_text

_VARIABLE: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*")


@contextmanager
def name_option(name: str) -> Iterator[None]:
    """Let the error of an invalid value name its option; raises InvalidArgument."""
    try:
        yield
    except ConflictingValue:  # it depends on what is stored, too
        raise
    except InvalidValue as error:
        raise InvalidArgument(f"{name}: {error.message}") from None


def parse_file(text: str) -> Path:
    """Parse the path of a file; raises InvalidArgument."""
    if "://" in text:  # and it may have a password, which an error with the path would show
        raise InvalidArgument("This is a URL: name a file. Example: /srv/backup/dialtone.db")
    if text in ("", "-") or text.endswith("/"):
        raise InvalidArgument("This is not the path of a file. Example: /srv/backup/dialtone.db")
    return Path(text)


def parse_readings(settings: Settings, text: str) -> Sequence[UserQuery]:
    """Parse a user: return all that the text may mean, a phone, a username or an id.

    Raises:
        InvalidArgument: it can be none of these.
    """
    try:
        return parse_user_text(text, settings.default_region)
    except InvalidValue as error:
        raise InvalidArgument(error.message) from None


def parse_reason_option(text: str, *, is_required: bool) -> str:
    """Parse the reason of an act; raises InvalidArgument."""
    with name_option("--reason"):
        return parse_reason(text, is_required=is_required)


def parse_since(text: str) -> datetime:
    """Parse `--since`: a time, or a date, which begins in UTC; raises InvalidArgument."""
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidArgument(
            "--since: write a time like 2026-05-01T09:30:00Z, or a date like 2026-05-01."
        ) from None


def parse_actor(text: str) -> Actor:
    """Parse `--by`: who acted, as the audit shows it; raises InvalidArgument."""
    kind, _, actor_id = text.partition(":")
    try:
        return Actor(ActorKind(kind.replace("-", "_")), actor_id)
    except ValueError:
        kinds = ", ".join(ActorKind)
        raise InvalidArgument(f"--by: write KIND:ID; the kinds are {kinds}.") from None


def find_url(settings: Settings, option: str, text: str) -> str:
    """Return the URL of an option, or that of a variable or its file for `env:NAME`.

    A password in an argument is visible to everybody on the machine while the command runs.

    Raises:
        InvalidArgument: the variable is not set, or its file cannot be used. The error quotes no
            URL.
    """
    prefix, colon, name = text.partition(":")
    if prefix != "env" or not colon:
        return text
    if not _VARIABLE.fullmatch(name):
        raise InvalidArgument(f"{option}: env: names no variable. Example: env:SOURCE_URL")
    try:
        url = find_text(settings.variables, name)
    except SettingsError as error:
        raise InvalidArgument(f"{option}: {error}") from None
    if not url:
        raise InvalidArgument(f"{option}: the variable {name} is not set.")
    return url
