"""Who may see a message on the page at `/`: programs of this machine, by a page of this origin."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final

from entrypoints.http.features.start.settings import HttpStartPageSettings
from entrypoints.http.requests.headers import header_values, headers_of

_HOST_NAMES: Final = ("localhost", "127.0.0.1")
_HTTP_PORT: Final = 80
_FORWARDING_HEADERS: Final = frozenset(
    {b"via", b"cdn-loop", b"x-original-host", b"x-envoy-external-address", b"x-remote-addr"}
)
# `Forwarded`, `X-Forwarded-For`, `X-Real-IP`, `CF-Connecting-IP`, `Fastly-Client-IP` and the like.
_FORWARDING_PARTS: Final = (b"forward", b"real-ip", b"connecting-ip", b"client-ip", b"clientip")


def may_see_messages(scope: Mapping[str, Any], settings: HttpStartPageSettings) -> bool:
    """Return whether this request may get the message of its own request for a code.

    - The service keeps messages, see `HttpStartPageSettings`.
    - The peer is this machine, and no header says that a proxy has sent the request on.
    - `Host` is `localhost` or `127.0.0.1` with the port of the server: a page of another name that
      leads to this machine (DNS rebinding) gets nothing.
    - No page of another origin has sent it, also none that `DIALTONE_WEB_ORIGINS` lists. Programs
      that are no browsers send neither `Origin` nor `Sec-Fetch-Site`.
    """
    hosts = header_values(scope, b"host")
    return (
        settings.keeps_messages
        and _has_loopback_peer(scope)
        and not any(map(_is_forwarding, headers_of(scope)))
        and len(hosts) == 1
        and hosts[0].lower() in _own_hosts(settings.port)
        and set(header_values(scope, b"origin")) <= {f"http://{hosts[0].lower()}"}
        and set(header_values(scope, b"sec-fetch-site")) <= {"same-origin"}
    )


def _has_loopback_peer(scope: Mapping[str, Any]) -> bool:
    client = scope.get("client")
    try:
        return client is not None and ip_address(client[0]).is_loopback
    except ValueError:
        return False


def _is_forwarding(header: bytes) -> bool:
    return header in _FORWARDING_HEADERS or any(part in header for part in _FORWARDING_PARTS)


def _own_hosts(port: int) -> set[str]:
    with_port = {f"{name}:{port}" for name in _HOST_NAMES}
    # Browsers leave out the default port.
    return {*with_port, *_HOST_NAMES} if port == _HTTP_PORT else with_port
