"""Plain http, which production takes only where nobody listens in."""

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from entrypoints.settings.model import Settings
from entrypoints.settings.table import S3_ENDPOINT, TWILIO_API_BASE
from entrypoints.settings.variable import Variable

# Names that the world's DNS does not have: one word, like that of a container beside this one, or
# below what is kept for networks of one's own (RFC 6761, 6762 and 8375, ICANN, Kubernetes).
_PRIVATE_NAME: Final = re.compile(
    r"[a-z][a-z0-9_-]*|(?:[a-z0-9_-]+\.)+(?:localhost|local|home\.arpa|internal|svc)"
)


def refused_plain_http(settings: Settings) -> Iterator[tuple[Variable[Any], str]]:
    """Give the addresses to which production would send in the clear what others could use.

    - Every request to Twilio holds the account's token: in the clear it stays on this machine.
    - A request to a bucket holds a signature and never the key: in the clear it stays in networks
      of one's own, where the bucket's server often stands beside the service.
    - MongoDB's driver proves the password without sending it, and whether the way to its hosts is
      private is not written in the address: that is the operator's to know.
    """
    if settings.twilio and _is_plain_beyond(_this_machine, settings.twilio.api_base):
        yield (
            TWILIO_API_BASE,
            "Production sends the account's token over https; over http within this machine only.",
        )
    if settings.s3 and _is_plain_beyond(_own_network, settings.s3.endpoint):
        yield (
            S3_ENDPOINT,
            "Production stores media over https; over http within a private network only.",
        )


def _is_plain_beyond(holds: Callable[[str], bool], url: str | None) -> bool:
    parts = urlsplit(url or "")
    return parts.scheme == "http" and not holds((parts.hostname or "").removesuffix("."))


def _this_machine(host: str) -> bool:
    address = _address(host)
    return address.is_loopback if address else f".{host}".endswith(".localhost")


def _own_network(host: str) -> bool:
    address = _address(host)
    return not address.is_global if address else _PRIVATE_NAME.fullmatch(host) is not None


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
