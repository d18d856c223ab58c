"""Parsers of settings: text to value.

Each parser raises `InvalidValue` for invalid text. The message says what is valid. It never quotes
the text, because an operator may have pasted a password into the wrong variable.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import SplitResult, urlsplit

from adapters.messages.templates.rules import find_link
from domain import countries
from domain.default_ignorable import drop_default_ignorable
from domain.errors import InvalidValue, MalformedOtp
from domain.identities.constant_claims import check_constant_claims, parse_constant_claim
from domain.otp.challenge import DEFAULT_OTP_LENGTH, MAX_OTP_LENGTH, parse_otp_code
from domain.otp.fixed_codes import FixedCode, FixedCodes
from domain.otp.sliding_window import SlidingWindow
from domain.phone import parse_phone
from entrypoints.settings.values import HYBRID_ORIGINS, Bind, Network, Secret

T = TypeVar("T")
S = TypeVar("S", bound=str)
V = TypeVar("V", int, timedelta)

MAX_APP_NAME_LENGTH: Final = 30
MAX_ISSUER_LENGTH: Final = 200
"""A token has it, and has a maximum length itself."""
_DAY: Final = timedelta(days=1)
_SECONDS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_BYTES: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_DURATION: Final = re.compile(r"([0-9]{1,9})([dhms])")
# Without re.ASCII, `i` would also match the dotless and the dotted capital one.
_SIZE: Final = re.compile(r"([0-9]{1,12}) ?(?:([kmg]i?|)b)?", re.I | re.A)
_NUMBER: Final = re.compile(r"[0-9]{1,12}")
_BIND: Final = re.compile(r"(?:\[([0-9A-Fa-f.:]+)\]|([0-9.]+)|([A-Za-z0-9._-]+)):([0-9]{1,5})")
_URL: Final = re.compile(r"(?i:https?)://[!-~]+")
_ORIGIN: Final = re.compile(
    r"(https?)://([a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?"
)
# An issuer with a colon has to be a URL (RFC 7519 §2, StringOrURI).
_ISSUER_NAME: Final = re.compile(r"(?!(?i:none)\Z)[A-Za-z0-9][A-Za-z0-9._-]*")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?!.{{254}})(?:{_LABEL}\.)+(?![0-9]+\Z){_LABEL}|localhost")
_QUOTES: Final = "\"'`\u2018\u2019\u201c\u201d"
_FIXED_CODE: Final = re.compile(r"(\+[^=]*)=([^@]*)(?:@(.+))?")
# Codes that are not in ISO 3166-1 and that people use.
_USUAL_CODES: Final = {"EL": "GR", "UAE": "AE", "UK": "GB", "USA": "US"}


@contextmanager
def rejects_with(message: str) -> Iterator[None]:
    """Turn errors of a parser into this `InvalidValue`; as a decorator or in a block."""
    try:
        yield
    except InvalidValue:
        raise
    except (ValueError, OverflowError, RecursionError):
        raise InvalidValue(message) from None


def full_match(regex: re.Pattern[str], text: str) -> re.Match[str]:
    """Match the whole text, or raise ValueError."""
    if match := regex.fullmatch(text):
        return match
    raise ValueError


def pattern(regex: str, message: str) -> Callable[[str], str]:
    """Return a parser of text that matches the whole pattern."""
    compiled = re.compile(regex)
    return rejects_with(message)(lambda text: full_match(compiled, text)[0])


def list_of(parse: Callable[[str], T], *, once: str = "") -> Callable[[str], tuple[T, ...]]:
    """Return a parser of values separated by commas. `once` names what may not repeat."""

    def parse_list(text: str) -> tuple[T, ...]:
        parts = [part.strip() for part in text.split(",")]
        if not all(parts):
            raise InvalidValue("Must have a value between two commas and after the last comma.")
        values, problems = [], []
        for position, part in enumerate(parts, start=1):
            try:
                values.append(parse(part))
            except InvalidValue as error:
                place = f"Value {position}: " if len(parts) > 1 else ""
                problems.append(f"{place}{error.message}")
        if problems:
            raise InvalidValue(" ".join(problems))
        if once and len(set(values)) < len(values):
            raise InvalidValue(f"Must name each {once} once.")
        return tuple(values)

    return parse_list


def secret(parse: Callable[[str], T]) -> Callable[[str], Secret[T]]:
    """Return a parser of a value that is never shown."""
    return lambda text: Secret(parse(text))


def secrets_of(parse: Callable[[str], str]) -> Callable[[str], Secret[tuple[str, ...]]]:
    """Return a parser of a vendor's secrets, separated by commas.

    The first is sent, and all verify what the vendor signs, so that one can be replaced.
    """

    def parse_one(text: str) -> str:
        if len(text.split()) > 1:
            raise InvalidValue("Must have commas between the secrets, and no spaces in one.")
        return parse(text)

    return secret(list_of(parse_one, once="secret"))


def choice(*values: S) -> Callable[[str], S]:
    """Return a parser of these values, in upper or lower case."""
    *others, last = values
    message = f"Must be {', '.join(others)} or {last}."
    return rejects_with(message)(lambda text: values[values.index(text.lower())])


def _within(minimum: V, maximum: V, parse: Callable[[str], V], message: str) -> Callable[[str], V]:
    @rejects_with(message)
    def parse_within(text: str) -> V:
        value = parse(text)
        if not minimum <= value <= maximum:
            raise ValueError
        return value

    return parse_within


def number(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return a parser of whole numbers in this range, in ASCII digits."""
    message = f"Must be a whole number from {minimum} to {maximum}."
    return _within(minimum, maximum, lambda text: int(full_match(_NUMBER, text)[0]), message)


def size(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of sizes in this range of bytes, like `20MB` or `16 MiB`."""
    return _within(low, high, _parse_size, f"Must be {low} to {high} bytes, such as 20MB or 1GiB.")


def duration(minimum: str, maximum: str, *, alternative: str = "") -> Callable[[str], timedelta]:
    """Return a parser of durations in whole days, hours, minutes or seconds, like `15m`."""
    message = f"Must be a duration from {minimum} to {maximum}: a whole number followed by d, h, m"
    bounds = _parse_duration(minimum), _parse_duration(maximum)
    return _within(*bounds, _parse_duration, f"{message} or s{alternative}.")


def duration_or_off(minimum: str, maximum: str) -> Callable[[str], timedelta | None]:
    """Return a parser of durations as `duration` does; `off` is None."""
    parse = duration(minimum, maximum, alternative="; or off")
    return lambda text: None if text.lower() == "off" else parse(text)


def rate_limit(max_count: int) -> Callable[[str], SlidingWindow]:
    """Return a parser of one rate limit, like `60/1h`: at most 60 in any period of an hour."""
    parse_count, parse_period = number(1, max_count), duration("1m", "1d")

    @rejects_with(f"Must be a count from 1 to {max_count}, a slash and a duration from 1m to 1d.")
    def parse(text: str) -> SlidingWindow:
        count, period = text.split("/")
        return SlidingWindow(parse_count(count.strip()), parse_period(period.strip()))

    return parse


def rate_limit_with_day(
    max_count: int,
) -> Callable[[str], tuple[SlidingWindow, SlidingWindow | None]]:
    """Return a parser of a rate limit that may have a limit of a day: `60/1h` or `60/1h,360/1d`."""
    parse_limit, parse_day = rate_limit(max_count), rate_limit(24 * max_count)
    message = (
        f"Must be a count from 1 to {max_count}, a slash and a duration from 1m to 1d, such as "
        f"1000/1h. A limit of a day up to {24 * max_count} may follow, as in 1000/1h,6000/1d."
    )

    @rejects_with(message)
    def parse(text: str) -> tuple[SlidingWindow, SlidingWindow | None]:
        of_hour, has_day, of_day = text.partition(",")
        limit, day = parse_limit(of_hour), parse_day(of_day) if has_day else None
        if day is not None and not limit.period < day.period == timedelta(days=1):
            raise ValueError
        return limit, day

    return parse


_parse_port = _within(1, 65535, int, "Must have a port from 1 to 65535.")


def parse_yes_or_no(text: str) -> bool:
    """Parse yes or no."""
    return choice("yes", "no")(text) == "yes"


@rejects_with("Must be host:port or [IPv6 address]:port, with a port from 1 to 65535.")
def parse_bind(text: str) -> Bind:
    """Parse host:port; an IPv6 address is in brackets."""
    v6, v4, name, port = full_match(_BIND, text).groups()
    return Bind(name or str(IPv6Address(v6) if v6 else IPv4Address(v4)), _parse_port(port))


def split_url(text: str, *, without: str) -> SplitResult:
    """Split an http(s) URL without these characters and without a password, or raise ValueError."""
    parts = urlsplit(text)
    if not _URL.fullmatch(text) or {*text} & {*without}:
        raise ValueError
    if not parts.hostname or parts.port == 0 or "@" in parts.netloc:
        raise ValueError
    return parts


@rejects_with("Must be a URL with http:// or https:// and without ?, # and password.")
def parse_http_url(text: str) -> str:
    """Parse an http(s) URL to which a path can be appended; it gets no slash at its end."""
    return split_url(text, without="?#").geturl().rstrip("/")


def parse_issuer(text: str) -> str:
    """Parse an issuer of tokens. No text is changed: verifiers compare it (RFC 7519 §4.1.1)."""
    with suppress(InvalidValue):
        # A comma would end it in DIALTONE_FORMER_ISSUERS.
        if len(text) <= MAX_ISSUER_LENGTH and (
            _ISSUER_NAME.fullmatch(text) or (parse_http_url(text) == text and "," not in text)
        ):
            return text
    raise InvalidValue(
        "Must be a URL such as https://dialtone.example.org, without ?, #, comma, password and / "
        "at its end, or a name of letters, digits, dots, - and _, such as dialtone; at most "
        f"{MAX_ISSUER_LENGTH} characters."
    )


def parse_former_issuers(text: str) -> tuple[str, ...]:
    """Parse issuers separated by commas, or `none`."""
    return () if text.lower() == "none" else list_of(parse_issuer)(text)


def parse_token_claims(text: str) -> Mapping[str, str]:
    """Parse constant claims separated by commas, or `none`."""
    if text.lower() == "none":
        return {}
    return check_constant_claims(list_of(parse_constant_claim)(text))


@rejects_with(
    "Must be origins without a path, separated by commas: https://host or https://host:port; "
    "http:// for localhost only; international domains as xn--…; for hybrid apps "
    f"{', '.join(HYBRID_ORIGINS)}."
)
def parse_web_origin(text: str) -> str:
    """Parse the origin of a web app, and write it like browsers do (RFC 6454 §6.2)."""
    if "*" in text:
        raise InvalidValue("Must name each origin: * would let every web page use the API.")
    if text.lower() in HYBRID_ORIGINS:
        return text.lower()
    scheme, host, port = full_match(_ORIGIN, text.lower()).groups()
    default_port = {"http": 80, "https": 443}[scheme]
    port = _parse_port(port) if port else default_port
    if host.startswith("["):
        host = f"[{IPv6Address(host[1:-1])}]"
    is_local = host in ("127.0.0.1", "[::1]") or f".{host}".endswith(".localhost")
    if scheme == "http" and not is_local:
        raise ValueError
    return f"{scheme}://{host}" if port == default_port else f"{scheme}://{host}:{port}"


@rejects_with("Must be a domain without https:// and port; international domains as xn--…")
def parse_domain(text: str) -> str:
    """Parse a website's domain (RFC 1123 §2.1); an international domain is in Punycode."""
    return full_match(_DOMAIN, text.lower())[0]


@rejects_with("Must be networks without bits behind the prefix, or single IPs, or none.")
def parse_trusted_proxies(text: str) -> tuple[Network, ...]:
    """Parse networks (RFC 4632) separated by commas, or `none` if clients connect directly."""
    return () if text.lower() == "none" else list_of(ip_network)(text)


def parse_path(text: str) -> Path:
    """Parse a path; a relative one starts in the current folder."""
    if "://" in text:  # and it may have a password, which an error with the path would show
        raise InvalidValue("Must be a path, not a URL.")
    return Path(text).absolute()


def parse_country_code(text: str) -> str:
    """Parse an ISO code. For other usual codes the message names the ISO code."""
    if meant := _USUAL_CODES.get(text.upper()):
        raise InvalidValue(f"Must be an ISO code of two letters. Did you mean {meant}?")
    return countries.parse_country(text)


def parse_countries(text: str) -> frozenset[str]:
    """Parse ISO codes separated by commas, or `*` for every country."""
    return countries.ALL_COUNTRIES if text == "*" else frozenset(list_of(parse_country_code)(text))


def parse_app_name(text: str) -> str:
    """Parse the name that messages contain; phones must not render it as a link."""
    if len(text) > MAX_APP_NAME_LENGTH:
        raise InvalidValue(f"Must have at most {MAX_APP_NAME_LENGTH} characters.")
    if find_link(text):
        raise InvalidValue("Must not look like a link: no dot between two words.")
    return text


def parse_fixed_codes(text: str) -> FixedCodes:
    """Parse phones, codes and last days (UTC), like `+15005550006=123456@2027-01-01`."""
    fixed_codes = list_of(_parse_fixed_code)(text)
    if len({fixed_code.phone for fixed_code in fixed_codes}) < len(fixed_codes):
        raise InvalidValue("Must name each number once.")
    return FixedCodes(fixed_codes)


def _parse_size(text: str) -> int:
    count, unit = full_match(_SIZE, text).groups()
    return int(count) * _BYTES[(unit or "").lower()]


def _parse_duration(text: str) -> timedelta:
    count, unit = full_match(_DURATION, text.lower()).groups()
    return timedelta(seconds=int(count) * _SECONDS[unit])


@rejects_with(
    "Must be numbers with +, an equals sign and a code, and their last day like @2027-01-01."
)
def _parse_fixed_code(text: str) -> FixedCode:
    if any(quote in text for quote in _QUOTES):
        raise InvalidValue("Must be without quotes, also around a code.")
    phone, code, day = full_match(_FIXED_CODE, text).groups()
    code = drop_default_ignorable(code)
    length = min(max(len(code.strip()), DEFAULT_OTP_LENGTH), MAX_OTP_LENGTH)
    until = datetime.fromisoformat(f"{day.strip()}T00Z") + _DAY if day else None
    try:
        otp = parse_otp_code(code, length)
    except MalformedOtp:
        raise InvalidValue(
            "Each code must have digits only, as many as DIALTONE_OTP_LENGTH says."
        ) from None
    return FixedCode(parse_phone(phone.strip(), rules=None), otp, until)
