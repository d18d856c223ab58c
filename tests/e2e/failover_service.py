"""A service with two messengers: Twilio and an adapter from outside."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from application.ports.messenger import DeliveryStatus
from tests.e2e.own_messenger import OWN_FACTORY, OwnMessenger
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.http_server import Behavior
from tests.support.service import Service, running

_phones = (f"+1415558{number:04d}" for number in itertools.count())
_client_ips = (f"198.18.{number // 250}.{number % 250 + 1}" for number in itertools.count())


@dataclass(slots=True)
class FailoverService:
    """The service and both of its messengers.

    Each client IP has one delivery an hour. The service trusts `X-Forwarded-For`.
    """

    service: Service
    own: OwnMessenger
    twilio: FakeTwilio
    _is_twilio_closed: bool = False

    def set_twilio(self, behavior: Behavior | None) -> None:
        """Set the behavior of Twilio; None closes its port."""
        if behavior is None:
            self.twilio.close()
            self._is_twilio_closed = True
        else:
            self.twilio.behavior = behavior

    def restore(self) -> None:
        """Make both messengers accept all messages."""
        if self._is_twilio_closed:
            port = int(self.twilio.url.rpartition(":")[2])
            self.twilio = FakeTwilio(port=port).__enter__()
            self._is_twilio_closed = False
        self.twilio.behavior = self.twilio.respond
        self.own.set_status(DeliveryStatus.ACCEPTED)

    async def request_otp(self, phone: str, client_ip: str) -> httpx.Response:
        """Request a code by the main API."""
        return await self._post("/auth/request-otp", phone, client_ip)

    async def request_legacy_otp(self, phone: str, client_ip: str) -> httpx.Response:
        """Request a code by the legacy API."""
        return await self._post("/authenticate/get_otp", phone, client_ip)

    async def readiness(self) -> httpx.Response:
        """Request the readiness."""
        async with httpx.AsyncClient(base_url=self.service.url, timeout=30, **PLAIN_HTTP) as http:
            return await http.get("/health/ready")

    async def _post(self, path: str, phone: str, client_ip: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.service.url, timeout=30, **PLAIN_HTTP) as http:
            headers = {"X-Forwarded-For": client_ip}
            return await http.post(path, json={"phone": phone}, headers=headers)


@contextmanager
def failover_service(
    folder: Path, environ: Mapping[str, str], order: str = f"twilio,{OWN_FACTORY}"
) -> Iterator[FailoverService]:
    """Run the service until the block ends."""
    own = OwnMessenger(folder).install()
    with FakeTwilio() as twilio:
        settings = {
            **environ,
            **twilio.environ,
            "DIALTONE_SMS": order,
            "DIALTONE_COUNTRIES": "*",
            "DIALTONE_SMS_LIMIT_PER_IP": "1/1h",
            "DIALTONE_TRUSTED_PROXIES": "127.0.0.1",
        }
        with running(folder, settings, own.inbox) as service:
            failover = FailoverService(service, own, twilio)
            yield failover
            failover.twilio.close()


def new_phone() -> str:
    """Return a phone number that no other test of this process uses."""
    return next(_phones)


def new_client_ip() -> str:
    """Return a client IP that no other test of this process uses."""
    return next(_client_ips)
