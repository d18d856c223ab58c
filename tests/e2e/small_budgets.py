"""Services whose budgets are small, and what asks them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.e2e.own_messenger import OWN_FACTORY, OwnMessenger
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, running

PER_ADDRESS: Final = 3
PER_COUNTRY: Final = 40
CHECKS: Final = 5
BEHIND_A_PROXY: Final = {"DIALTONE_TRUSTED_PROXIES": "127.0.0.1"}
SMALL: Final = {
    "DIALTONE_SMS_LIMIT_PER_PHONE": "1/15m,10/1d",
    "DIALTONE_SMS_LIMIT_PER_PHONE_AND_IP": "1/1h,5/1d",
    "DIALTONE_SMS_LIMIT_PER_IP": f"{PER_ADDRESS}/1h",
    "DIALTONE_SMS_LIMIT_PER_COUNTRY": f"{PER_COUNTRY}/1h",
    "DIALTONE_VERIFY_LIMIT_PER_IP": f"{CHECKS}/1h",
}

# Beginnings of mobile numbers: two digits more make one.
AMERICA: Final = "+141555565"
BRAZIL: Final = "+55119876500"
BRITAIN: Final = "+4474001234"
FRANCE: Final = "+336123456"
GERMANY: Final = "+49151123456"
INDIA: Final = "+9198765432"
ITALY: Final = "+3931234567"
SPAIN: Final = "+346123456"
SWEDEN: Final = "+467012345"


def phone(beginning: str, number: int) -> str:
    """One of a hundred phones of a country."""
    return f"{beginning}{number:02d}"


@dataclass(frozen=True, slots=True)
class Instance:
    """A service; who asks it may say from where."""

    service: Service
    sender: OwnMessenger
    http: httpx.AsyncClient

    async def ask(
        self, number: str, address: str, path: str = "/auth/request-otp"
    ) -> httpx.Response:
        """Ask for a code."""
        return await self.http.post(
            path, json={"phone": number}, headers={"X-Forwarded-For": address}
        )

    async def answer(
        self, number: str, code: str, address: str, path: str = "/auth/verify-otp"
    ) -> httpx.Response:
        """Answer with a code."""
        return await self.http.post(
            path, json={"phone": number, "otp": code}, headers={"X-Forwarded-For": address}
        )

    def messages(self, numbers: Sequence[str]) -> int:
        """How many messages these phones got, all together."""
        return sum(len(self.sender.inbox(one)) for one in numbers)


@contextmanager
def services(folder: Path, environ: Mapping[str, str], count: int = 1) -> Iterator[list[Service]]:
    """Run so many services with the same settings and sender until the end of the block."""
    sender = OwnMessenger(folder).install()
    settings = {"DIALTONE_SMS": OWN_FACTORY, "DIALTONE_COUNTRIES": "*", **SMALL, **environ}
    with ExitStack() as stack:
        yield [stack.enter_context(running(folder, settings, sender.inbox)) for _ in range(count)]


def client(service: Service) -> httpx.AsyncClient:
    """A client of the service that may have fifty requests under way."""
    return httpx.AsyncClient(
        base_url=service.url,
        timeout=30,
        **PLAIN_HTTP,
        limits=httpx.Limits(max_connections=50),
    )
