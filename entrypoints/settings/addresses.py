"""Addresses of the network, as they are written in settings."""

import re
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from domain.errors import InvalidValue
from entrypoints.settings.kinds import Bind, Network

_BIND = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\]|(?P<v4>[0-9.]+)|(?P<name>[A-Za-z0-9._-]+))"
    r":(?P<port>[0-9]{1,5})"
)
_URL = re.compile(r"[!-~]+")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_DOMAIN = 253


def read_bind(text: str) -> Bind:
    """Read host:port; an IPv6 address stands in brackets."""
    refusal = InvalidValue("Takes host:port or [IPv6 address]:port, with a port from 1 to 65535.")
    match = _BIND.fullmatch(text)
    if match is None or not 1 <= int(match["port"]) <= 65535:
        raise refusal
    try:
        host = match["name"] or str(ip_address(match["v6"] or match["v4"]))
    except ValueError as error:
        raise refusal from error
    return Bind(host, int(match["port"]))


def read_url(text: str) -> str:
    """Read an http(s) address that paths can be put after."""
    refusal = InvalidValue("Takes an address with http:// or https:// and no ?, # or password.")
    if not _URL.fullmatch(text) or not text.lower().startswith(("http://", "https://")):
        raise refusal
    try:
        parts = urlsplit(text)
        is_usable = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise refusal from error
    if not is_usable or "@" in parts.netloc or "?" in text or "#" in text:
        raise refusal
    return parts.geturl().rstrip("/")


def read_domain(text: str) -> str:
    """Read the domain of a website (RFC 1123 §2.1); letters beyond ASCII as xn-- (RFC 5890)."""
    domain = text.lower()
    *names, top = domain.split(".")
    is_usable = (names and not top.isdecimal()) or domain == "localhost"
    if not is_usable or len(domain) > _LONGEST_DOMAIN or not all(map(_is_label, (*names, top))):
        raise InvalidValue(
            "Takes a domain without https:// and port; letters beyond a to z as xn--…"
        )
    return domain


def read_network(text: str) -> Network:
    """Read a network in CIDR notation (RFC 4632), or a single address."""
    try:
        return ip_network(text)
    except ValueError as error:
        raise InvalidValue(
            "Takes networks with no bit set behind the prefix, or single addresses, "
            "with commas between them."
        ) from error


def _is_label(text: str) -> bool:
    if not _LABEL.fullmatch(text):
        return False
    try:
        return not text.startswith("xn--") or bool(text[4:].encode().decode("punycode"))
    except UnicodeError:
        return False
