"""The IP address of a client."""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final, NamedTuple, TypeAlias

import structlog

from domain.errors import UnsupportedValue
from entrypoints.http.requests.headers import header_values, headers_of

IpAddress: TypeAlias = IPv4Address | IPv6Address

UNKNOWN_IP: Final = "unknown"
CLIENT_IP: Final = "dialtone.client_ip"
_IPV6_PREFIX_LENGTH: Final = 64
"""A household or a server has a whole /64 network of IPv6, so that it counts as one client."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""Prefix (RFC 6052) of the IPv4 address of a client that a NAT64 gateway translates."""
_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")
"""The same within one network (RFC 8215)."""
_MAX_HOPS: Final = 20
_MAX_SENDERS: Final = 1024
_MAX_IP_LENGTH: Final = 100
"""Characters of an IP address with a zone and a port."""
_WITH_PORT: Final = re.compile(r"(?P<v4>[0-9.]+)(?::[0-9]+)?|\[(?P<v6>[^\]]+)\](?::[0-9]+)?")

_log = structlog.get_logger()


class _Sender(NamedTuple):
    """The sender of a request: the client, or a proxy that forwarded it."""

    ip: IpAddress
    client_ip: str
    is_trusted: bool


class ClientIpResolver:
    """Resolves the client IP that rate limits count.

    `X-Forwarded-For` is trusted only from trusted proxies. It is read from its end: the first IP
    that is not a trusted proxy is the client. A client can forge only what is before it.

    granian's own wrapper takes `1.2.3.4:4711` for a client, and `::ffff:10.0.0.1` for no proxy.

    Attributes:
        ignored_proxy: A machine of a private network that sent the header, and is not trusted: all
            clients behind it count as one. None if there was none.
    """

    def __init__(self, trusted_proxies: Collection[IPv4Network | IPv6Network]) -> None:
        self._trusted_proxies = trusted_proxies
        self._find_sender = lru_cache(_MAX_SENDERS)(self._parse_sender)
        self.ignored_proxy: IpAddress | None = None

    def resolve(self, scope: Mapping[str, Any]) -> str:
        """Return the IPv4 address or the IPv6 /64 network of the client, in its normal form."""
        peer = self._find_peer(scope)
        if peer is None:
            return UNKNOWN_IP
        if b"x-forwarded-for" in headers_of(scope):
            if peer.is_trusted:
                return self._find_client(peer, header_values(scope, b"x-forwarded-for")).client_ip
            self._warn_once(peer.ip)
        return peer.client_ip

    def has_trusted_peer(self, scope: Mapping[str, Any]) -> bool:
        peer = self._find_peer(scope) if self._trusted_proxies else None
        return peer is not None and peer.is_trusted

    def _find_peer(self, scope: Mapping[str, Any]) -> _Sender | None:
        client = scope.get("client")
        return self._find_sender(client[0]) if client else None

    def _find_client(self, peer: _Sender, forwarded: Sequence[str]) -> _Sender:
        client = peer
        hops = [hop.strip() for value in forwarded for hop in value.split(",")]
        for hop in reversed(hops[-_MAX_HOPS:]):
            sender = self._find_sender(hop) if len(hop) <= _MAX_IP_LENGTH else None
            if sender is None:
                break
            client = sender
            if not sender.is_trusted:
                break
        return client

    def _parse_sender(self, text: str) -> _Sender | None:
        ip = _parse_ip(text)
        return None if ip is None else _Sender(ip, _normalize(ip), self._is_trusted(ip))

    def _is_trusted(self, ip: IpAddress) -> bool:
        return any(ip in network for network in self._trusted_proxies)

    def _warn_once(self, peer: IpAddress) -> None:
        if self.ignored_proxy is not None or not (peer.is_private or peer.is_loopback):
            return
        self.ignored_proxy = peer
        _log.warning(
            "forwarded_header_ignored",
            peer=str(peer),
            consequence="all clients behind this proxy count as one client",
            fix=f"if it is your proxy, set DIALTONE_TRUSTED_PROXIES={peer}",
        )


def _parse_ip(text: str) -> IpAddress | None:
    # Some proxies add the port: 192.0.2.1:4711, [2001:db8::1]:4711.
    match = _WITH_PORT.fullmatch(text)
    without_zone = (match["v4"] or match["v6"] if match else text).partition("%")[0]
    try:
        ip = ip_address(without_zone)
    except ValueError:
        return None
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        return ip.ipv4_mapped
    return ip


def parse_client_ip(text: str, *, is_public: bool) -> str:
    """Parse the IP of a client that a backend names, as what counts as one client.

    Raises:
        UnsupportedValue: It is no IP, or it has to be public and is of a private network.
    """
    try:
        ip = ip_address(text.strip())
    except ValueError:
        raise UnsupportedValue("Send one IPv4 or IPv6 address, such as 203.0.113.7.") from None
    ip = (isinstance(ip, IPv6Address) and ip.ipv4_mapped) or ip
    client_ip = _normalize(ip)
    if is_public and not _is_public(ip if ":" in client_ip else IPv4Address(client_ip)):
        raise UnsupportedValue(
            "Send the public address of your user, and not that of a proxy or of your own network."
        )
    return client_ip


def _is_public(ip: IpAddress) -> bool:
    if isinstance(ip, IPv6Address):
        inner = ip.sixtofour  # the IPv4 host of a relay
        if ip in _LOCAL_NAT64 or ip.is_site_local or (inner and not inner.is_global):
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


def _normalize(ip: IpAddress) -> str:
    """Return what counts as one client; whether it is a trusted proxy is not decided by this."""
    if isinstance(ip, IPv4Address):
        return str(ip)
    if ip in _NAT64:
        return str(IPv4Address(int(ip) & 0xFFFFFFFF))
    return str(IPv6Network((ip, _IPV6_PREFIX_LENGTH), strict=False))
