"""Services with low rate limits, and a client that chooses its IP."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.e2e.own_messenger import OWN_FACTORY, OwnMessenger
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, running

LIMIT_PER_IP: Final = 3
LIMIT_PER_COUNTRY: Final = 80
LIMIT_PER_NETWORK: Final = 4
"""Of a country."""
UNRECOGNIZED_LIMIT_PER_COUNTRY: Final = 48
VERIFY_LIMIT_PER_IP: Final = 5
REQUEST_LIMIT_PER_IDENTITY: Final = 7
REFRESH_LIMIT_PER_IP: Final = 6
BEHIND_A_PROXY: Final = {"DIALTONE_TRUSTED_PROXIES": "127.0.0.1"}
SMALL_LIMITS: Final = {
    "DIALTONE_SMS_LIMIT_PER_PHONE": "1/15m,10/1d",
    "DIALTONE_SMS_LIMIT_PER_PHONE_AND_IP": "1/1h,5/1d",
    "DIALTONE_SMS_LIMIT_PER_IP": f"{LIMIT_PER_IP}/1h",
    "DIALTONE_SMS_LIMIT_PER_COUNTRY": f"{LIMIT_PER_COUNTRY}/1h",
    "DIALTONE_VERIFY_LIMIT_PER_IP": f"{VERIFY_LIMIT_PER_IP}/1h",
    "DIALTONE_REQUEST_LIMIT_PER_IDENTITY": f"{REQUEST_LIMIT_PER_IDENTITY}/1h",
    "DIALTONE_REFRESH_LIMIT_PER_IP": f"{REFRESH_LIMIT_PER_IP}/1h",
}

# Prefixes of mobile numbers, to be completed by two digits.
AMERICA: Final = "+141555565"
BRAZIL: Final = "+55119876500"
BRITAIN: Final = "+4474001234"
FRANCE: Final = "+336123456"
GERMANY: Final = "+49151123456"
INDIA: Final = "+9198765432"
ITALY: Final = "+3931234567"
SPAIN: Final = "+346123456"
SWEDEN: Final = "+467012345"


def phone(prefix: str, number: int) -> str:
    """Return one of a hundred phones of a country."""
    return f"{prefix}{number:02d}"


@dataclass(frozen=True, slots=True)
class Instance:
    """A service with its messenger and its client."""

    service: Service
    messenger: OwnMessenger
    http: httpx.AsyncClient

    async def request_otp(
        self, number: str, client_ip: str, path: str = "/auth/request-otp"
    ) -> httpx.Response:
        """Request a code."""
        return await self.http.post(
            path, json={"phone": number}, headers={"X-Forwarded-For": client_ip}
        )

    async def verify_otp(
        self, number: str, code: str, client_ip: str, path: str = "/auth/verify-otp"
    ) -> httpx.Response:
        """Verify a code."""
        return await self.http.post(
            path, json={"phone": number, "otp": code}, headers={"X-Forwarded-For": client_ip}
        )

    def count_messages(self, numbers: Sequence[str]) -> int:
        """Return how many messages these phones received in total."""
        return sum(len(self.messenger.inbox(number)) for number in numbers)


@contextmanager
def services(folder: Path, environ: Mapping[str, str], count: int = 1) -> Iterator[list[Service]]:
    """Run services with the same settings and messenger until the end of the block."""
    messenger = OwnMessenger(folder).install()
    settings = {"DIALTONE_SMS": OWN_FACTORY, "DIALTONE_COUNTRIES": "*", **SMALL_LIMITS, **environ}
    with ExitStack() as stack:
        yield [
            stack.enter_context(running(folder, settings, messenger.inbox)) for _ in range(count)
        ]


def client(service: Service) -> httpx.AsyncClient:
    """Return a client that can send fifty requests at once."""
    return httpx.AsyncClient(
        base_url=service.url,
        timeout=30,
        **PLAIN_HTTP,
        limits=httpx.Limits(max_connections=50),
    )
