"""A client IP as everything but the log knows it: by its hashes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HashedClientIp:
    """Keyed hashes of a client IP and of its network. The IP cannot be read back from them.

    `ip` is the hash of the IPv4 address or of the IPv6 /64, `network` that of the IPv4 /24 or of
    the IPv6 /48, the largest IPv6 network that one customer usually gets (RFC 6177).
    """

    ip: str
    network: str
    is_ipv6: bool = False
