"""Checks of settings that depend on each other or on the environment.

Each check yields the name of a variable and the problem.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from application.media.media_urls import MediaAccess
from domain.access import LibraryVisibility
from domain.countries import ALL_COUNTRIES
from domain.otp.review_otps import TestOtps
from entrypoints.settings.declaration import VENDORS
from entrypoints.settings.parsers import end_of_day
from entrypoints.settings.settings import FIELDS, Settings
from entrypoints.settings.values import (
    Environment,
    MediaFolder,
    S3Bucket,
    SmsProvider,
    SqliteDatabase,
    VoiceProvider,
)

Problem = tuple[str, str]

# Names that are not in public DNS: one label, like that of a container, or a suffix for private
# networks (RFC 6761, 6762 and 8375, ICANN's .internal, Kubernetes).
_PRIVATE_NAME: Final = re.compile(
    r"[a-z][a-z0-9_-]*|(?:[a-z0-9_-]+\.)+(?:localhost|local|home\.arpa|internal|svc)"
)


def unused_variables(values: Mapping[str, str]) -> frozenset[str]:
    """Return the vendors' variables that these values do not use.

    Other programs read them too, so their values are not checked.
    """
    providers = values.get("DIALTONE_SMS", "").lower().split(",")
    is_used = {
        "AWS_": values.get("DIALTONE_MEDIA", "").startswith("s3://"),
        "TWILIO_": SmsProvider.TWILIO in map(str.strip, providers)
        or values.get("DIALTONE_VOICE", "").strip().lower() == VoiceProvider.TWILIO,
    }
    unused = tuple(vendor for vendor in VENDORS if not is_used[vendor])
    return frozenset(name for name in FIELDS if name.startswith(unused))


def find_problems(settings: Settings) -> Iterator[Problem]:
    """Yield problems between settings, and what production rejects, however well it is written."""
    if settings.secrets.value and settings.is_set("DIALTONE_SECRETS_FILE"):
        yield "DIALTONE_SECRETS", "Must not be set together with DIALTONE_SECRETS_FILE."
    if isinstance(settings.media, S3Bucket):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            if not settings.is_set(name):
                yield name, "Must be set if DIALTONE_MEDIA is an s3:// URL."
    stills = {spec.name for spec in settings.media_variants if not spec.is_webp}
    if settings.media_url_variant is not None and settings.media_url_variant not in stills:
        yield (
            "DIALTONE_MEDIA_URL_VARIANT",
            "Must be a name in DIALTONE_MEDIA_VARIANTS, and not of a WebP: older apps show JPEG, "
            "PNG and GIF only.",
        )
    is_private = settings.media_access is MediaAccess.PRIVATE
    if is_private and settings.library_visibility is LibraryVisibility.ALL:
        yield "DIALTONE_LIBRARY_VISIBILITY", "Must be owner if DIALTONE_MEDIA_ACCESS=private."
    if is_private and settings.media_public_url is not None:
        yield (
            "DIALTONE_MEDIA_PUBLIC_URL",
            "Must not be set together with DIALTONE_MEDIA_ACCESS=private: what it serves is "
            "public.",
        )
    if settings.uses_twilio:
        yield from _check_twilio(settings)
    test_otps = settings.test_otps.value.otps
    length = settings.otp_length
    if any(len(otp.code.digits) != length for otp in test_otps):
        yield "DIALTONE_TEST_OTPS", f"Each code must have {length} digits (DIALTONE_OTP_LENGTH)."
    costs_money = set(settings.sms) != {SmsProvider.CONSOLE} or settings.uses_twilio
    if costs_money and settings.countries is None:
        yield "DIALTONE_COUNTRIES", "Must be set if a provider of messages or calls costs money."
    if settings.voice is VoiceProvider.TWILIO:
        yield from _check_phone_line(settings)
    if settings.recording_retention > settings.call_retention:
        yield "DIALTONE_RECORDING_RETENTION", "Must not be longer than DIALTONE_CALL_RETENTION."
    if settings.env is Environment.PRODUCTION:
        yield from _check_production(settings)


def all_end_within_a_year(test_otps: TestOtps, today: date) -> bool:
    """Return whether each has a last day, not later than today's date in the next year (UTC)."""
    try:
        last_day = today.replace(year=today.year + 1)
    except ValueError:  # today is 29 February
        last_day = date(today.year + 1, 3, 1)
    end = end_of_day(last_day)
    return all(otp.expires_at is not None and otp.expires_at <= end for otp in test_otps.otps)


def _check_production(settings: Settings) -> Iterator[Problem]:
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
    if settings.is_single_host:
        return
    single_host = "is on one host only. Use {}, or set DIALTONE_SINGLE_HOST=yes."
    if isinstance(settings.database, SqliteDatabase):
        yield "DIALTONE_DATABASE", f"SQLite {single_host.format('mongodb://host/name')}"
    if isinstance(settings.media, MediaFolder):
        yield "DIALTONE_MEDIA", f"A folder {single_host.format('s3://bucket/prefix')}"


def _check_secrets_file(settings: Settings) -> Iterator[Problem]:
    name, path = "DIALTONE_SECRETS_FILE", settings.secrets_file
    command = "Production generates no keys: run `dialtone keys generate {}`."
    if not settings.is_set(name):
        yield name, f"Must be set in production. {command.format('FILE')}"
    elif _is_missing(path):
        yield name, f"There is no such file. {command.format(path)}"


def _check_twilio(settings: Settings) -> Iterator[Problem]:
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        if not settings.is_set(name):
            yield name, "Must be set if DIALTONE_SMS or DIALTONE_VOICE names twilio."
    if SmsProvider.TWILIO not in settings.sms:
        return
    number, service = "TWILIO_FROM", "TWILIO_MESSAGING_SERVICE_SID"
    if settings.is_set(number) and settings.is_set(service):
        yield number, f"Must not be set together with {service}."
        yield service, f"Must not be set together with {number}."
    elif not settings.is_set(number) and not settings.is_set(service):
        yield number, f"This or {service} must be set if DIALTONE_SMS contains twilio."


def _check_phone_line(settings: Settings) -> Iterator[Problem]:
    if not settings.is_set("DIALTONE_PUBLIC_URL"):
        yield "DIALTONE_PUBLIC_URL", "Must be set if Twilio has a number: it sends requests here."
    if not settings.twilio_caller_id:
        yield "TWILIO_VOICE_FROM", "Must be set if DIALTONE_VOICE is twilio: calls come from it."


def _check_plain_http(settings: Settings) -> Iterator[Problem]:
    # Every request to Twilio carries the account's token: plain http must stay on this machine.
    #
    # A request to S3 carries a signature and never the key: plain http may stay in a private
    # network, where the S3 server often runs beside the service.
    #
    # MongoDB's driver proves the password without sending it, and a URL does not say whether the
    # network to its hosts is private: that is up to the operator.
    rule = "Must begin with https:// in production, except"
    twilio = urlsplit(settings.twilio_api_base or "")
    if settings.uses_twilio and twilio.scheme == "http" and not _is_loopback(twilio):
        yield "TWILIO_API_BASE", f"{rule} for this machine."
    s3 = urlsplit(settings.s3_endpoint or "")
    if isinstance(settings.media, S3Bucket) and s3.scheme == "http" and not _is_private(s3):
        yield "DIALTONE_S3_ENDPOINT", f"{rule} in private networks."


def _is_loopback(url: SplitResult) -> bool:
    host = _host(url)
    return f".{host}".endswith(".localhost") if isinstance(host, str) else host.is_loopback


def _is_private(url: SplitResult) -> bool:
    host = _host(url)
    return bool(_PRIVATE_NAME.fullmatch(host)) if isinstance(host, str) else not host.is_global


def _host(url: SplitResult) -> str | IPv4Address | IPv6Address:
    name = (url.hostname or "").removesuffix(".")
    try:
        ip = ip_address(name)
    except ValueError:
        return name
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip


def _is_missing(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass  # reading the file reports the reason
    return False
