"""Parsers of settings: text to value.

Each parser raises `InvalidValue` for invalid text. The message says what is valid. It never quotes
the text, because an operator may have pasted a password into the wrong variable.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit

from domain.countries import ALL_COUNTRIES, parse_country
from domain.errors import InvalidValue
from domain.otp.challenge import DEFAULT_OTP_LENGTH, MAX_OTP_LENGTH, parse_otp_code
from domain.otp.sliding_window import SlidingWindow
from domain.otp.templates.rules import find_link
from domain.otp.test_otps import TestOtp, TestOtps
from domain.phone import PhoneNumber, parse_phone
from entrypoints.bind import Bind
from entrypoints.settings.values import (
    Factory,
    MediaFolder,
    Network,
    S3Bucket,
    Secret,
    SmsProvider,
)

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

MAX_APP_NAME_LENGTH: Final = 30
_MAX_DOMAIN_LENGTH: Final = 253
_DAY: Final = timedelta(days=1)

_UNIT_SECONDS: Final = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION: Final = re.compile(r"[0-9]{1,9}[dhms]")
_UNIT_BYTES: Final = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
}
# Without re.ASCII, `i` would also match the dotless and the dotted capital one.
_SIZE: Final = re.compile(
    r"(?P<count>[0-9]{1,12}) ?(?P<unit>[kmg]i?b|b|)", re.IGNORECASE | re.ASCII
)
_NUMBER: Final = re.compile(r"[0-9]{1,12}")

_BIND: Final = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\]|(?P<v4>[0-9.]+)|(?P<name>[A-Za-z0-9._-]+))"
    r":(?P<port>[0-9]{1,5})"
)
_URL: Final = re.compile(r"[!-~]+")
_ORIGIN: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
_DOMAIN_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

_FACTORY: Final = re.compile(r"(?P<package>[A-Za-z_]\w*)(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
# `sqlite:data` is a URL with a typing error, not a factory.
_URL_SCHEMES: Final = {"file", "http", "https", "mongodb", "s3", "sqlite"}

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; a prefix has only
# characters that are not escaped in a key.
_PREFIX_PART: Final = r"(?!\.\.?(?:/|$))[A-Za-z0-9_!.*'()-]+"
_BUCKET: Final = re.compile(
    r"s3://(?!(?:[0-9]+\.){3}[0-9]+(?:/|$))"
    r"(?P<bucket>[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9])"
    rf"(?:/(?P<prefix>{_PREFIX_PART}(?:/{_PREFIX_PART})*))?/?"
)


def list_parser(parse: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """Return a parser of values separated by commas."""

    def parse_list(text: str) -> tuple[T, ...]:
        parts = [part.strip() for part in text.split(",")]
        if not all(parts):
            raise InvalidValue("Must have a value between two commas and after the last comma.")
        return tuple(parse(part) for part in parts)

    return parse_list


def pattern_parser(pattern: str, message: str) -> Callable[[str], str]:
    """Return a parser of text that matches the whole pattern."""
    compiled = re.compile(pattern)

    def parse(text: str) -> str:
        if not compiled.fullmatch(text):
            raise InvalidValue(message)
        return text

    return parse


# The access key ID and the region are parts of a path in each request's signature.
parse_access_key_id = pattern_parser(
    r"(?:(?![,/=])[!-~])+", "Must be an access key ID without space, comma, slash and =."
)
parse_region = pattern_parser(
    r"(?=.*[A-Za-z])[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?",
    "Must be a region: letters and digits, with - between them.",
)
# https://www.twilio.com/docs/glossary/what-is-a-sid
parse_account_sid = pattern_parser(
    r"AC[0-9a-fA-F]{32}", "Must be an account SID: AC followed by 32 hex digits."
)
parse_messaging_service_sid = pattern_parser(
    r"MG[0-9a-fA-F]{32}", "Must be a messaging service SID: MG followed by 32 hex digits."
)
# A number in E.164, a short code, or an alphanumeric sender ID
# (https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id).
parse_twilio_from = pattern_parser(
    r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 +_&-]{1,11}",
    "Must be a number with + and country code, a short code, or a name of at most 11 letters, "
    "digits, spaces and + - _ &.",
)
# A call comes from a number: https://www.twilio.com/docs/voice/api/call-resource
parse_twilio_voice_from = pattern_parser(
    r"\+[1-9][0-9]{6,14}", "Must be a number with + and country code."
)


def parse_yes_or_no(text: str) -> bool:
    """Parse yes or no."""
    if text.lower() not in ("yes", "no"):
        raise InvalidValue("Must be yes or no.")
    return text.lower() == "yes"


def enum_parser(kind: type[E]) -> Callable[[str], E]:
    """Return a parser of the values of an enum, in upper or lower case."""

    def parse(text: str) -> E:
        try:
            return kind(text.lower())
        except ValueError:
            *others, last = kind
            raise InvalidValue(f"Must be {', '.join(others)} or {last}.") from None

    return parse


def number_parser(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return a parser of whole numbers in this range, in ASCII digits."""

    def parse(text: str) -> int:
        if not _NUMBER.fullmatch(text) or not minimum <= int(text) <= maximum:
            raise InvalidValue(f"Must be a whole number from {minimum} to {maximum}.")
        return int(text)

    return parse


def size_parser(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return a parser of sizes in this range of bytes, like `20MB` or `16 MiB`."""

    def parse(text: str) -> int:
        match = _SIZE.fullmatch(text)
        if match is None:
            raise InvalidValue(
                "Must be a number of bytes, or a whole number followed by kB, MB, GB, KiB, MiB "
                "or GiB."
            )
        size = int(match["count"]) * _UNIT_BYTES[match["unit"].lower()]
        if not minimum <= size <= maximum:
            raise InvalidValue(f"Must be from {minimum} to {maximum} bytes.")
        return size

    return parse


def duration_parser(minimum: str, maximum: str) -> Callable[[str], timedelta]:
    """Return a parser of durations in whole days, hours, minutes or seconds, like `15m`."""

    def parse(text: str) -> timedelta:
        match = _DURATION.fullmatch(text.lower())
        if not match or not _duration(minimum) <= _duration(match[0]) <= _duration(maximum):
            raise InvalidValue(
                f"Must be a duration from {minimum} to {maximum}: a whole number followed by "
                "d, h, m or s."
            )
        return _duration(match[0])

    return parse


def duration_or_off_parser(minimum: str, maximum: str) -> Callable[[str], timedelta | None]:
    """Return a parser of durations as `duration_parser` does; `off` is None."""

    def parse(text: str) -> timedelta | None:
        if text.lower() == "off":
            return None
        try:
            return duration_parser(minimum, maximum)(text)
        except InvalidValue as error:
            raise InvalidValue(f"{error.message[:-1]}; or off.") from error

    return parse


def rate_limit_parser(max_count: int) -> Callable[[str], SlidingWindow]:
    """Return a parser of one rate limit, like `60/1h`: at most 60 in any period of an hour."""
    parse_duration = duration_parser("1m", "1d")

    def parse(text: str) -> SlidingWindow:
        count, slash, length = (part.strip() for part in text.partition("/"))
        if not slash:
            raise InvalidValue("Must be a count, a slash and a duration.")
        if not _NUMBER.fullmatch(count) or not 1 <= int(count) <= max_count:
            raise InvalidValue(f"The count must be a whole number from 1 to {max_count}.")
        return SlidingWindow(int(count), parse_duration(length))

    return parse


def rate_limits_parser(max_per_day: int) -> Callable[[str], tuple[SlidingWindow, ...]]:
    """Return a parser of rate limits that together allow at most `max_per_day`."""
    parse_list = list_parser(rate_limit_parser(max_per_day))

    def parse(text: str) -> tuple[SlidingWindow, ...]:
        limits = parse_list(text)
        if min(limit.limit * -(-_DAY // limit.period) for limit in limits) > max_per_day:
            raise InvalidValue(
                f"Must allow at most {max_per_day} a day: more would make a code easy to guess."
            )
        return limits

    return parse


def parse_bind(text: str) -> Bind:
    """Parse host:port; an IPv6 address is in brackets."""
    error = InvalidValue("Must be host:port or [IPv6 address]:port, with a port from 1 to 65535.")
    match = _BIND.fullmatch(text)
    if match is None or not 1 <= int(match["port"]) <= 65535:
        raise error
    try:
        host = match["name"] or str(ip_address(match["v6"] or match["v4"]))
    except ValueError:
        raise error from None
    return Bind(host, int(match["port"]))


def parse_url(text: str) -> str:
    """Parse an http(s) URL to which a path can be appended; it gets no slash at its end."""
    error = InvalidValue("Must be a URL with http:// or https:// and without ?, # and password.")
    if not _URL.fullmatch(text) or not text.lower().startswith(("http://", "https://")):
        raise error
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise error from None
    if not has_host or "@" in parts.netloc or "?" in text or "#" in text:
        raise error
    return parts.geturl().rstrip("/")


def parse_origin(text: str) -> str:
    """Parse the origin of a web app, and write it like browsers do (RFC 6454 §6.2)."""
    if "*" in text:
        raise InvalidValue("Must name each origin: * would let every web page use the API.")
    error = InvalidValue(
        "Must be origins without a path, separated by commas: https://host or https://host:port; "
        "http:// for localhost only; international domains as xn--…"
    )
    match = _ORIGIN.fullmatch(text.lower())
    if match is None or not 1 <= int(match["port"] or 1) <= 65535:
        raise error
    scheme, host, port = match.group("scheme", "host", "port")
    try:
        host = f"[{IPv6Address(host[1:-1])}]" if host.startswith("[") else host
    except ValueError:
        raise error from None
    is_local = host in ("127.0.0.1", "[::1]") or f".{host}".endswith(".localhost")
    if scheme == "http" and not is_local:
        raise error
    is_default = port is None or int(port) == {"http": 80, "https": 443}[scheme]
    return f"{scheme}://{host}" if is_default else f"{scheme}://{host}:{int(port)}"


def parse_domain(text: str) -> str:
    """Parse a website's domain (RFC 1123 §2.1); an international domain is in Punycode."""
    domain = text.lower()
    *labels, top = domain.split(".")
    has_top = (bool(labels) and not top.isdecimal()) or domain == "localhost"
    are_labels = all(map(_is_domain_label, (*labels, top)))
    if not has_top or not are_labels or len(domain) > _MAX_DOMAIN_LENGTH:
        raise InvalidValue(
            "Must be a domain without https:// and port; international domains as xn--…"
        )
    return domain


def parse_network(text: str) -> Network:
    """Parse a network in CIDR notation (RFC 4632), or a single IP."""
    try:
        return ip_network(text)
    except ValueError:
        raise InvalidValue(
            "Must be networks without bits behind the prefix, or single IPs, separated by commas."
        ) from None


def parse_trusted_proxies(text: str) -> tuple[Network, ...]:
    """Parse networks separated by commas, or `none` if clients connect directly."""
    if text.lower() == "none":
        return ()
    if "none" in [part.strip() for part in text.lower().split(",")]:
        raise InvalidValue("Must be networks, or none alone.")
    return list_parser(parse_network)(text)


def parse_path(text: str) -> Path:
    """Parse the path of a folder; a relative path starts in the current folder."""
    return Path(text).absolute()


def parse_file_path(text: str) -> Path:
    """Parse the path of a file; a relative path starts in the current folder."""
    if text.endswith("/"):
        raise InvalidValue("Must be the path of a file.")
    return parse_path(text)


def parse_secrets(text: str) -> Secret[str]:
    """Check that the text is a JSON object; it may have several lines."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InvalidValue("Must be the JSON text of a secrets file.")
    return Secret(text)


def parse_factory(text: str) -> Factory | None:
    """Parse `package.module:factory`; other text is None."""
    match = _FACTORY.fullmatch(text)
    if match is None or match["package"].lower() in _URL_SCHEMES:
        return None
    return Factory(text)


def parse_media(text: str) -> MediaFolder | S3Bucket | Factory:
    """Parse the URL of a folder (RFC 8089) or bucket, or a factory."""
    if text.startswith("s3://"):
        return _parse_bucket(text)
    if factory := parse_factory(text):
        return factory
    is_file = text.startswith("file:")
    path = unquote(text.removeprefix("file:"), errors="replace")
    if path.startswith("//"):
        host, slash, rest = path[2:].partition("/")
        is_file, path = is_file and host in ("", "localhost"), slash + rest
    if not is_file or not path.strip("/") or "?" in text or "#" in text or not path.isprintable():
        raise InvalidValue(
            "Must be file:///path from the root, file:path from the current folder, "
            "s3://bucket/prefix, or package.module:factory."
        )
    return MediaFolder(Path(path).absolute())


def parse_sms(text: str) -> tuple[SmsProvider | Factory, ...]:
    """Parse providers in the order in which they are tried."""
    providers = list_parser(_parse_provider)(text)
    if len(set(providers)) < len(providers):
        raise InvalidValue("Must name each provider once.")
    return providers


def parse_operator(text: str) -> PhoneNumber:
    """Parse a phone number of any kind in its international form."""
    if not text.startswith("+"):
        raise InvalidValue("Must be a number with + and country code.")
    return parse_phone(text, rules=None)


def parse_countries(text: str) -> frozenset[str]:
    """Parse ISO codes separated by commas, or `*` for every country."""
    return ALL_COUNTRIES if text == "*" else frozenset(list_parser(parse_country)(text))


def parse_app_name(text: str) -> str:
    """Parse the name that messages contain; phones must not render it as a link."""
    if len(text) > MAX_APP_NAME_LENGTH:
        raise InvalidValue(f"Must have at most {MAX_APP_NAME_LENGTH} characters.")
    if find_link(text):
        raise InvalidValue("Must not look like a link: no dot between two words.")
    return text


def parse_test_otps(text: str) -> Secret[TestOtps]:
    """Parse phones, codes and last days (UTC), like `+15005550006=123456@2027-01-01`."""
    test_otps = list_parser(_parse_test_otp)(text)
    if len({test_otp.phone for test_otp in test_otps}) < len(test_otps):
        raise InvalidValue("Must name each number once.")
    return Secret(TestOtps(test_otps))


def end_of_day(day: date) -> datetime:
    """Return the end of a day in UTC."""
    return datetime.combine(day, time(tzinfo=UTC)) + _DAY


def _duration(text: str) -> timedelta:
    return timedelta(seconds=int(text[:-1]) * _UNIT_SECONDS[text[-1]])


def _is_domain_label(text: str) -> bool:
    if not _DOMAIN_LABEL.fullmatch(text):
        return False
    try:
        return not text.startswith("xn--") or bool(text[4:].encode().decode("punycode"))
    except UnicodeError:
        return False


def _parse_provider(text: str) -> SmsProvider | Factory:
    if factory := parse_factory(text):
        return factory
    try:
        return SmsProvider(text.lower())
    except ValueError:
        raise InvalidValue(
            "Must be console, twilio or package.module:factory; several separated by commas."
        ) from None


def _parse_bucket(text: str) -> S3Bucket:
    match = _BUCKET.fullmatch(text)
    if match is None:
        raise InvalidValue(
            "Must be s3://bucket or s3://bucket/prefix. A bucket has 3 to 63 lower-case letters, "
            "digits, - and single dots; a prefix has letters, digits and _ - . ! * ' ( )."
        )
    return S3Bucket(match["bucket"], match["prefix"] or "")


def _parse_test_otp(text: str) -> TestOtp:
    phone, equals, rest = text.partition("=")
    code, has_date, day = rest.partition("@")
    if not equals or not phone.strip().startswith("+"):
        raise InvalidValue("Must be a number with +, an equals sign and a code.")
    until = _parse_last_day(day.strip()) if has_date else None
    length = min(max(len(code.strip()), DEFAULT_OTP_LENGTH), MAX_OTP_LENGTH)
    test_phone = parse_phone(phone.strip(), rules=None)
    return TestOtp(test_phone, parse_otp_code(code, length), until)


def _parse_last_day(text: str) -> datetime:
    try:
        return end_of_day(date.fromisoformat(text))
    except (ValueError, OverflowError):
        raise InvalidValue("Must have the last day after @, like 2027-01-01.") from None
