"""Hashes of client IPs."""

from typing import Protocol

from domain.otp.client_ip import HashedClientIp


class ClientIpHashes(Protocol):
    """Makes client IPs comparable without storing them. Use cases hash an IP before all else."""

    def hash_client_ip(self, client_ip: str) -> HashedClientIp:
        """Return the hashes: the same for the same IP, and useless without the key.

        Args:
            client_ip: an IPv4 address or an IPv6 network of /64 in its normal form. Any other
                text is hashed as it is, and is its own network.
        """
        ...
