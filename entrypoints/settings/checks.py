"""Checks of settings that depend on each other or on the environment.

Each check yields the name of a variable and the problem.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from domain.countries import ALL_COUNTRIES
from domain.otp.test_otps import TestOtps
from entrypoints.settings.parsers import end_of_day
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import (
    Environment,
    MediaFolder,
    S3Bucket,
    SmsProvider,
    SqliteDatabase,
)

Problem = tuple[str, str]

NOT_IMPLEMENTED: Final = {
    "DIALTONE_MEDIA_URL_VARIANT": "`url` is the full image.",
}
"""Settings for features that are not implemented, each with today's behavior.

Setting one is an error.
"""

_S3_VARIABLES: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
_TWILIO_VARIABLES: Final = (
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_AUTH_TOKEN_SECONDARY",
    "TWILIO_FROM",
    "TWILIO_MESSAGING_SERVICE_SID",
    "TWILIO_VOICE_FROM",
    "TWILIO_API_BASE",
)
# Names that are not in public DNS: one label, like that of a container, or a suffix for private
# networks (RFC 6761, 6762 and 8375, ICANN's .internal, Kubernetes).
_PRIVATE_NAME: Final = re.compile(
    r"[a-z][a-z0-9_-]*|(?:[a-z0-9_-]+\.)+(?:localhost|local|home\.arpa|internal|svc)"
)


def unused_variables(values: Mapping[str, str]) -> Iterator[str]:
    """Yield the vendors' variables that these values do not use.

    Other programs read them too, so their values are not checked.
    """
    if not values.get("DIALTONE_MEDIA", "").startswith("s3://"):
        yield from _S3_VARIABLES
    providers = values.get("DIALTONE_SMS", "").lower().split(",")
    if SmsProvider.TWILIO not in map(str.strip, providers):
        yield from _TWILIO_VARIABLES


def check_combinations(settings: Settings) -> Iterator[Problem]:
    """Yield problems between settings, in any environment."""
    if settings.secrets.value and settings.is_set("DIALTONE_SECRETS_FILE"):
        yield (
            "DIALTONE_SECRETS",
            "Must not be set together with DIALTONE_SECRETS_FILE: remove one of the two.",
        )
    if isinstance(settings.media, S3Bucket):
        yield from _check_s3(settings)
    if SmsProvider.TWILIO in settings.sms:
        yield from _check_twilio(settings)
    test_otps = settings.test_otps.value.otps
    if any(len(otp.code.digits) != settings.otp_length for otp in test_otps):
        yield (
            "DIALTONE_TEST_OTPS",
            f"Each code must have {settings.otp_length} digits (DIALTONE_OTP_LENGTH).",
        )
    is_free = all(provider is SmsProvider.CONSOLE for provider in settings.sms)
    if not is_free and settings.countries is None:
        yield "DIALTONE_COUNTRIES", "Must be set if DIALTONE_SMS names a provider that costs money."
    if settings.has_phone_line and not settings.is_set("DIALTONE_PUBLIC_URL"):
        yield (
            "DIALTONE_PUBLIC_URL",
            "Must be set if Twilio has a number to call from (TWILIO_FROM or TWILIO_VOICE_FROM): "
            "Twilio sends its requests to this URL.",
        )
    if settings.recording_retention > settings.call_retention:
        yield (
            "DIALTONE_RECORDING_RETENTION",
            "Must not be longer than DIALTONE_CALL_RETENTION: a recording belongs to a call.",
        )
    if settings.max_spooled_bytes < 2 * settings.max_upload_size:
        # One user can have half of it, so a file of the maximum size would never fit.
        yield (
            "DIALTONE_UPLOAD_SPOOL_SIZE",
            "Must be at least twice DIALTONE_MAX_UPLOAD_SIZE for each of the DIALTONE_WORKERS.",
        )


def check_production(settings: Settings) -> Iterator[Problem]:
    """Yield what production rejects, however well it is written."""
    if settings.env is not Environment.PRODUCTION:
        return
    if not settings.is_set("DIALTONE_PUBLIC_URL"):
        yield "DIALTONE_PUBLIC_URL", "Must be set in production."
    elif not settings.public_url.startswith("https://"):
        yield "DIALTONE_PUBLIC_URL", "Must begin with https:// in production."
    if not settings.secrets.value:
        yield from _check_secrets_file(settings)
    if SmsProvider.CONSOLE in settings.sms:
        yield (
            "DIALTONE_SMS",
            "Must be twilio or package.module:factory in production: console prints codes.",
        )
    if settings.countries is None or settings.countries == ALL_COUNTRIES:
        yield "DIALTONE_COUNTRIES", "Must name countries in production."
    if not settings.is_set("DIALTONE_TRUSTED_PROXIES"):
        yield (
            "DIALTONE_TRUSTED_PROXIES",
            "Must be set in production: to the networks of your proxies, or to none if clients "
            "connect directly. Behind an unknown proxy all clients would share one IP.",
        )
    if not all_end_within_a_year(settings.test_otps.value, datetime.now(UTC).date()):
        yield "DIALTONE_TEST_OTPS", "Must have a last day in production, at most a year ahead."
    yield from _check_plain_http(settings)
    yield from _check_single_host(settings)


def all_end_within_a_year(test_otps: TestOtps, today: date) -> bool:
    """Return whether each has a last day, not later than today's date in the next year (UTC)."""
    try:
        last_day = today.replace(year=today.year + 1)
    except ValueError:  # today is 29 February
        last_day = date(today.year + 1, 3, 1)
    end = end_of_day(last_day)
    return all(
        number.expires_at is not None and number.expires_at <= end for number in test_otps.otps
    )


def _check_secrets_file(settings: Settings) -> Iterator[Problem]:
    if not settings.is_set("DIALTONE_SECRETS_FILE"):
        yield (
            "DIALTONE_SECRETS_FILE",
            "Must be set in production, which generates no keys. "
            "Create the file with `dialtone keys generate FILE`.",
        )
    elif _is_missing(settings.secrets_file):
        yield (
            "DIALTONE_SECRETS_FILE",
            "There is no such file, and production generates no keys. "
            f"Create it with `dialtone keys generate {settings.secrets_file}`.",
        )


def _check_s3(settings: Settings) -> Iterator[Problem]:
    if not settings.aws_access_key_id:
        yield "AWS_ACCESS_KEY_ID", "Must be set if DIALTONE_MEDIA is an s3:// URL."
    if not settings.aws_secret_access_key.value:
        yield "AWS_SECRET_ACCESS_KEY", "Must be set if DIALTONE_MEDIA is an s3:// URL."


def _check_twilio(settings: Settings) -> Iterator[Problem]:
    if not settings.twilio_account_sid:
        yield "TWILIO_ACCOUNT_SID", "Must be set if DIALTONE_SMS contains twilio."
    if not settings.twilio_auth_token.value:
        yield "TWILIO_AUTH_TOKEN", "Must be set if DIALTONE_SMS contains twilio."
    origins = {"TWILIO_FROM", "TWILIO_MESSAGING_SERVICE_SID"} & settings.variables.values.keys()
    if not origins:
        yield (
            "TWILIO_FROM",
            "This or TWILIO_MESSAGING_SERVICE_SID must be set if DIALTONE_SMS contains twilio.",
        )
    elif len(origins) > 1:
        yield "TWILIO_FROM", "Must not be set together with TWILIO_MESSAGING_SERVICE_SID."
        yield "TWILIO_MESSAGING_SERVICE_SID", "Must not be set together with TWILIO_FROM."


def _check_plain_http(settings: Settings) -> Iterator[Problem]:
    # Every request to Twilio carries the account's token: plain http must stay on this machine.
    #
    # A request to S3 carries a signature and never the key: plain http may stay in a private
    # network, where the S3 server often runs beside the service.
    #
    # MongoDB's driver proves the password without sending it, and a URL does not say whether the
    # network to its hosts is private: that is up to the operator.
    if SmsProvider.TWILIO in settings.sms and _is_plain_http(
        settings.twilio_api_base, except_for=_is_loopback
    ):
        yield "TWILIO_API_BASE", "Must begin with https:// in production, except for this machine."
    if isinstance(settings.media, S3Bucket) and _is_plain_http(
        settings.s3_endpoint, except_for=_is_private
    ):
        yield (
            "DIALTONE_S3_ENDPOINT",
            "Must begin with https:// in production, except in private networks.",
        )


def _check_single_host(settings: Settings) -> Iterator[Problem]:
    if settings.is_single_host:
        return
    if isinstance(settings.database, SqliteDatabase):
        yield (
            "DIALTONE_DATABASE",
            "SQLite is on one host only: use mongodb://host/name, or set DIALTONE_SINGLE_HOST=yes.",
        )
    if isinstance(settings.media, MediaFolder):
        yield (
            "DIALTONE_MEDIA",
            "A folder is on one host only: use s3://bucket/prefix, or set "
            "DIALTONE_SINGLE_HOST=yes.",
        )


def _is_plain_http(url: str | None, *, except_for: Callable[[str], bool]) -> bool:
    parts = urlsplit(url or "")
    return parts.scheme == "http" and not except_for((parts.hostname or "").removesuffix("."))


def _is_loopback(host: str) -> bool:
    ip = _parse_ip(host)
    return ip.is_loopback if ip else f".{host}".endswith(".localhost")


def _is_private(host: str) -> bool:
    ip = _parse_ip(host)
    return not ip.is_global if ip else _PRIVATE_NAME.fullmatch(host) is not None


def _parse_ip(host: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ip_address(host)
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip


def _is_missing(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # reading the file reports the reason
    return False
