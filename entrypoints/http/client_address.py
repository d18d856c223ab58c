"""Where a request comes from, as budgets count it."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

import structlog
from litestar import Request

from entrypoints.http.http_settings import HttpSettings

UNKNOWN: Final = "unknown"
_SITE_PREFIX: Final = 64
"""A household or a server has a whole /64 of IPv6, so that is what counts as one address."""
_MOST_HOPS: Final = 20
_WITH_PORT: Final = re.compile(r"(?P<v4>[0-9.]+)(?::[0-9]+)?|\[(?P<v6>[^\]]+)\](?::[0-9]+)?")

_log = structlog.get_logger()


class ClientAddresses:
    """Tells the address that a request counts for.

    `X-Forwarded-For` is believed from trusted proxies only, read from its end: the first
    address that is no trusted proxy is the client, whatever a client wrote before it.
    """

    def __init__(self, settings: HttpSettings) -> None:
        self._trusted = settings.trusted_proxies
        self._has_warned = False

    def of(self, request: Request[Any, Any, Any]) -> str:
        """Give an IPv4 address, or an IPv6 /64, in its one spelling."""
        client = request.scope.get("client")
        peer = _parsed(client[0]) if client else None
        if peer is None:
            return UNKNOWN
        forwarded = request.headers.getall("x-forwarded-for", [])
        if not forwarded:
            return _counted(peer)
        if not self._is_trusted(peer):
            self._warn_once(peer)
            return _counted(peer)
        return _counted(self._client_behind(peer, forwarded))

    def _client_behind(
        self, peer: IPv4Address | IPv6Address, forwarded: Sequence[str]
    ) -> IPv4Address | IPv6Address:
        hops = [hop for value in forwarded for hop in value.split(",")]
        nearest = peer
        for hop in reversed(hops[-_MOST_HOPS:]):
            address = _parsed(hop.strip())
            if address is None:
                break
            nearest = address
            if not self._is_trusted(address):
                break
        return nearest

    def _is_trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(
            address.version == network.version and address in network for network in self._trusted
        )

    def _warn_once(self, peer: IPv4Address | IPv6Address) -> None:
        if self._has_warned or not (peer.is_private or peer.is_loopback):
            return
        self._has_warned = True
        _log.warning(
            "forwarded_request_not_believed",
            peer=str(peer),
            consequence="all clients behind this proxy count as one address",
            fix=f"if it is your proxy, set DIALTONE_TRUSTED_PROXIES={peer}",
        )


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    # Some proxies write the port too: 192.0.2.1:4711, [2001:db8::1]:4711.
    match = _WITH_PORT.fullmatch(text)
    bare = (match["v4"] or match["v6"] if match else text).partition("%")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _counted(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address, _SITE_PREFIX), strict=False))
