import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from adapters.twilio.client import Refused, TwilioClient, Unreadable
from adapters.twilio.outcomes import ACCEPTED, NOT_REACHED, UNKNOWN, outcome_of
from adapters.twilio.probe import AccountProbe
from adapters.twilio.transport import PATIENCE, NoAnswer, NotReached, Patience, open_transport
from application.ports.messenger import Handover
from domain.phone import PhoneNumber

# https://www.twilio.com/docs/glossary/what-is-a-sid
_SERVICE: Final = re.compile(r"MG[0-9a-fA-F]{32}\Z")


class TwilioMessenger:
    """Sends text messages, each of them once, whatever becomes of it."""

    def __init__(self, client: TwilioClient, sender: str, probe: AccountProbe) -> None:
        self._client = client
        self._sender = (
            {"messaging_service_sid": sender} if _SERVICE.match(sender) else {"from_": sender}
        )
        self._probe = probe

    async def send(self, phone: PhoneNumber, text: str) -> Handover:
        """Hand the text over; accepted when Twilio has made a message of it."""
        # Half a character cannot be sent.
        sendable = text.encode(errors="replace").decode()
        try:
            await self._client.create_message(phone.e164, sendable, self._sender)
        except NotReached:
            return NOT_REACHED
        except (NoAnswer, Unreadable):
            return UNKNOWN
        except Refused as refusal:
            return outcome_of(refusal)
        return ACCEPTED

    async def check(self) -> None:
        """Return when a message would be taken now.

        Raises:
            MessengerUnavailable
        """
        await self._probe.check()


@asynccontextmanager
async def open_twilio_messenger(
    account_sid: str,
    auth_token: str,
    *,
    sender: str,
    api_base: str | None = None,
    patience: Patience = PATIENCE,
    now: Callable[[], float] = time.monotonic,
) -> AsyncIterator[TwilioMessenger]:
    """Keep connections to Twilio, or to `api_base`, until the end of the block; asks nobody yet.

    `sender` is a number, a name or the SID of a messaging service to send from.
    """
    async with open_transport(patience) as transport:
        client = TwilioClient(account_sid, auth_token, api_base, transport)
        yield TwilioMessenger(client, sender, AccountProbe(client, patience.look, now))
