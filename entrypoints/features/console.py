"""The web console of the staff: a page over the API of administration."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from entrypoints.features.feature import Feature
from entrypoints.settings.declaration import setting
from entrypoints.settings.rules import Problem
from entrypoints.settings.settings import Settings

if TYPE_CHECKING:
    from entrypoints.http.additions import HttpAdditions

LOCALHOST: Final = "localhost"
_DEFAULT_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True)
class ConsoleSettings(Settings):
    """The web console of the staff."""

    has_console: bool = setting(
        "yes serves the web console for staff at /console.",
        "no",
        variable="DIALTONE_WEB_CONSOLE",
    )

    @property
    def console_url(self) -> str:
        """The URL of the console's host, without a path.

        Without DIALTONE_PUBLIC_URL it is localhost: browsers make no passkeys for an IP address.
        """
        if self.is_set("DIALTONE_PUBLIC_URL"):
            return make_origin(self.public_url)
        return make_origin(f"http://{LOCALHOST}:{self.bind.port}")


def _check_url(
    has_console: bool, public_url: str, is_set: Callable[[str], bool]
) -> Iterator[Problem]:
    name, parts = "DIALTONE_PUBLIC_URL", urlsplit(public_url)
    if not has_console or not is_set(name):
        return
    host = parts.hostname or ""
    if is_ip(host):
        yield Problem(
            name,
            "Must have a host name if DIALTONE_WEB_CONSOLE=yes: browsers make no passkeys for an IP"
            f" address. On this machine that is {LOCALHOST}.",
            example="https://dialtone.example.org",
        )
    elif parts.scheme != "https" and host != LOCALHOST:
        yield Problem(
            name,
            "Must begin with https:// if DIALTONE_WEB_CONSOLE=yes: browsers make passkeys only"
            f" there, and at http://{LOCALHOST}.",
            example="https://dialtone.example.org",
        )
    if parts.path.strip("/"):
        yield Problem(
            name, "Must have no path if DIALTONE_WEB_CONSOLE=yes: the page is at /console."
        )


def make_origin(url: str) -> str:
    """Return the origin of a URL as browsers write it: in lower case, without a default port."""
    parts = urlsplit(url)
    port = parts.port if parts.port != _DEFAULT_PORTS.get(parts.scheme) else None
    return f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port else "")


def is_ip(host: str) -> bool:
    """Return whether a host is an IP, for which browsers make no passkeys."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class _Console(Feature[None]):
    name = "console"
    settings = ConsoleSettings
    rules = (_check_url,)

    def http_additions(
        self, settings: Settings, _: Sequence[Feature[Any]]
    ) -> "Sequence[HttpAdditions]":
        from entrypoints.http.features.console.api import ConsoleHttpAdditions

        return (ConsoleHttpAdditions(),) if settings.of(ConsoleSettings).has_console else ()


CONSOLE: Final = _Console()
