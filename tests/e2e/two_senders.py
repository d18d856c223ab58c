"""A service that sends by Twilio first, and by a sender of the operator's own then."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from application.ports.messenger import Outcome
from tests.e2e.own_sender import FACTORY, OwnSender
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.loopback import Behaviour
from tests.support.servers.twilio_stand_in import TwilioStandIn
from tests.support.service import Service, running

_phones = (f"+1415558{number:04d}" for number in itertools.count())
_addresses = (f"198.18.{number // 250}.{number % 250 + 1}" for number in itertools.count())


@dataclass(slots=True)
class TwoSenders:
    """The service, and both of its senders, each of which does what it is told.

    It lets an address have one message an hour, and believes what it is told about addresses.
    """

    service: Service
    spare: OwnSender
    twilio: TwilioStandIn
    _is_away: bool = False

    def twilio_does(self, behaviour: Behaviour | None) -> None:
        """Let Twilio do so from now on; None: nobody listens there."""
        if behaviour is None:
            self.twilio.close()
            self._is_away = True
        else:
            self.twilio.behaviour = behaviour

    def mend(self) -> None:
        """Let both work well again."""
        if self._is_away:
            port = int(self.twilio.url.rpartition(":")[2])
            self.twilio = TwilioStandIn(port=port).__enter__()
            self._is_away = False
        self.twilio.behaviour = self.twilio.answer
        self.spare.answer(Outcome.ACCEPTED)

    async def ask(self, phone: str, address: str) -> httpx.Response:
        """Ask as the app of today does, from this address."""
        return await self._post("/auth/request-otp", phone, address)

    async def ask_older(self, phone: str, address: str) -> httpx.Response:
        """Ask as the older app does."""
        return await self._post("/authenticate/get_otp", phone, address)

    async def _post(self, path: str, phone: str, address: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.service.url, timeout=30, **PLAIN_HTTP) as http:
            headers = {"X-Forwarded-For": address}
            return await http.post(path, json={"phone": phone}, headers=headers)


@contextmanager
def two_senders(
    folder: Path, environ: Mapping[str, str], order: str = f"twilio,{FACTORY}"
) -> Iterator[TwoSenders]:
    """Run such a service until the end of the block."""
    spare = OwnSender(folder).install()
    with TwilioStandIn() as twilio:
        settings = {
            **environ,
            **twilio.environ,
            "DIALTONE_SMS": order,
            "DIALTONE_COUNTRIES": "*",
            "DIALTONE_SMS_LIMIT_PER_IP": "1/1h",
            "DIALTONE_TRUSTED_PROXIES": "127.0.0.1",
        }
        with running(folder, settings, spare.inbox) as service:
            senders = TwoSenders(service, spare, twilio)
            yield senders
            senders.twilio.close()


def a_phone() -> str:
    """A phone that no other test of this process has."""
    return next(_phones)


def an_address() -> str:
    """An address that nothing came from yet."""
    return next(_addresses)
