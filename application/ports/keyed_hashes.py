"""Keyed hashes: of client IPs, number ranges and phones, and as signatures of URLs."""

from datetime import date
from typing import Protocol

from domain.otp.delivery import HashedClientIp
from domain.phone import PhoneNumber


class KeyedHashes(Protocol):
    """Makes client IPs, number ranges and phones comparable without storing them; signs URLs.

    The hash is the same for the same text, and useless without the key. Use cases hash an IP
    before all else.
    """

    def blind_index(self, phone: PhoneNumber) -> str:
        """Return the blind index of a phone: 64 hex digits, the key of its record."""
        ...

    def hash_client_ip(self, client_ip: str) -> HashedClientIp:
        """Return the hashes of an IP and of its network.

        Args:
            client_ip: an IPv4 address or an IPv6 network of /64 in its normal form. Any other
                text is hashed as it is, and is its own network.
        """
        ...

    def hash_number_range(self, number_range: str) -> str:
        """Return the hash of a number range."""
        ...

    def hash_phone(self, phone: PhoneNumber) -> str:
        """Return the hash of a phone, by which audit entries name one without an account."""
        ...

    def hash_external_id(self, external_id: str) -> str:
        """Return the hash of an external id: at least 24 hex digits, as an identity's id needs."""
        ...

    def hash_challenge(self, challenge_id: str) -> str:
        """Return the hash of the id of a challenge: 32 hex digits."""
        ...

    def hash_phone_of_day(self, phone: PhoneNumber, day: date) -> str:
        """Return the hash of a phone for the log of one day in UTC: 16 hex digits.

        It follows one phone through a day, and not into the next.
        """
        ...

    def sign_url(self, text: str) -> str:
        """Return the signature of the parts of a URL, in letters and digits."""
        ...
