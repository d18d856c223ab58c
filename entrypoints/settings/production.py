"""What production refuses, however well it is written."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.countries import ALL_COUNTRIES
from entrypoints.settings.fixed_codes import all_end_within_a_year
from entrypoints.settings.kinds import MediaFolder, Origin, Sender, SqliteDatabase
from entrypoints.settings.model import Settings
from entrypoints.settings.plain_http import refused_plain_http
from entrypoints.settings.table import (
    COUNTRIES,
    DATABASE,
    MEDIA,
    PUBLIC_URL,
    SECRETS,
    SMS,
    TEST_NUMBERS,
)
from entrypoints.settings.variable import Variable


def refused_in_production(settings: Settings) -> Iterator[tuple[Variable[Any], str]]:
    """Give each variable that production cannot have as it is, with the reason."""
    if settings.given[PUBLIC_URL.name].origin is Origin.DEFAULT:
        yield PUBLIC_URL, f"Production needs the address that the world sees: {PUBLIC_URL.example}"
    elif not settings.public_url.startswith("https://"):
        yield PUBLIC_URL, f"Production takes an https address only: {PUBLIC_URL.example}"
    if settings.given[SECRETS.name].origin is Origin.DEFAULT:
        yield SECRETS, f"Production makes no keys; name a file that holds them: {SECRETS.example}"
    elif not _is_file(settings.secrets.path):
        yield SECRETS, "Production makes no keys, and there is no such file to read them from."
    if Sender.CONSOLE in settings.sms:
        yield SMS, "Production shows no codes in a terminal; take twilio or package.module:factory."
    if settings.countries is None or settings.countries == ALL_COUNTRIES:
        yield COUNTRIES, f"Production needs the countries to send codes to: {COUNTRIES.example}"
    if not all_end_within_a_year(settings.test_otps, datetime.now(UTC).date()):
        yield TEST_NUMBERS, "Production takes numbers with a last day, at most a year ahead."
    yield from refused_plain_http(settings)
    if settings.is_single_host:
        return
    alone = "is on this machine alone; DIALTONE_SINGLE_HOST=yes says that this is meant."
    if isinstance(settings.database, SqliteDatabase):
        yield DATABASE, f"SQLite {alone} Or take mongodb://host/name."
    if isinstance(settings.media, MediaFolder):
        yield MEDIA, f"A folder {alone} Or take s3://bucket/prefix."


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
