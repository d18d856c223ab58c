from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What the HTTP side needs to know; `upload_limit` is in bytes.

    `default_region` is the ISO code for numbers written without `+`; forwarded addresses are
    believed from `trusted_proxies` only.
    """

    version: str
    public_url: str
    upload_limit: int
    default_region: str | None = None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
