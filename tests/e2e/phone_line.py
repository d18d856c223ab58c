"""A service with a phone line, its callers, and the simulated Twilio between them."""

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import httpx

from tests.support.client import me, open_client, sign_in, sign_up
from tests.support.forked_service import running
from tests.support.servers.fake_twilio import Created, FakeTwilio, PhoneCall
from tests.support.service import REASON, Service

PUBLIC_URL: Final = "https://phone.example.org/line"
"""A proxy removes the path prefix, and the service never sees this host."""
OPERATOR: Final = "+14155550142"
ADMINISTRATOR: Final = "+14155550199"
HIGH_CALL_LIMITS: Final = {
    "DIALTONE_LIMITS": "large",
    "DIALTONE_INBOUND_LIMIT_TOTAL": "12000/1m",
    "DIALTONE_OPERATOR_LIMIT_TOTAL": "12000/1m",
}
_CODE: Final = re.compile(r"\d{6}")

Start = Callable[[Path, Mapping[str, str], Callable[[str], list[str]]], Any]


@dataclass(slots=True)
class PhoneLine:
    """A service on one database, with everything that reaches it from outside."""

    service: Service
    twilio: FakeTwilio
    http: httpx.Client

    def call(self, phone: str, *keys: str) -> PhoneCall:
        """Call the service and press these keys."""
        call = PhoneCall(self.twilio, phone)
        call.ring()
        for key in keys:
            call.press(key)
        return call

    def join(self, phone: str) -> None:
        """Join by phone."""
        self.call(phone, "1").end_dial("completed")

    def callbacks(self, phone: str) -> list[Created]:
        """Return the calls that the service has placed to a phone."""
        return [call for call in self.twilio.placed if call.form["To"] == phone]

    def receive(self, phone: str, number: int = 1) -> PhoneCall:
        """Let the first (or `number`th) call to a phone ring."""
        call = PhoneCall(self.twilio, phone)
        call.receive(self.callbacks(phone)[number - 1])
        return call

    def hear_code(self, phone: str, number: int = 1) -> str:
        """Answer that call, press a key, and return the code that is read twice."""
        call = self.receive(phone, number)
        call.answer()
        call.press("5")
        return spoken_code(call)

    def verify(self, phone: str, code: str) -> dict[str, Any]:
        """Try to sign in with a code."""
        response = self.http.post("/auth/verify-otp", json={"phone": phone, "otp": code})
        content: dict[str, Any] = response.json()
        return content

    def sign_in_administrator(self) -> str:
        """Sign up and become an administrator; return the access token."""
        account = sign_up(self.service, ADMINISTRATOR, "Asha Rao")
        promoted = self.service.run("user", "promote", ADMINISTRATOR, *REASON)
        assert promoted.stdout.startswith(f"{account.user_id} has the role administrator now. ")
        # With the new role, the user has to sign in again.
        assert me(self.service, account.token) == 401
        return sign_in(self.service, ADMINISTRATOR)

    def read_records(self) -> dict[str, dict[str, str]]:
        """Return all records by table and id, each as a text."""
        file = f"file:{self.service.folder}/dialtone.db?mode=ro"
        with closing(sqlite3.connect(file, uri=True)) as connection:
            names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            return {
                name: {
                    str(row[0]): str(row)
                    for row in connection.execute(f'SELECT * FROM "{name}"')  # noqa: S608
                }
                for (name,) in names.fetchall()
            }

    def identities(self) -> dict[str, str]:
        """Return the records of all identities by id."""
        return self.read_records()["identities"]


def spoken_code(call: PhoneCall) -> str:
    """Return the code that a call has read twice, digit by digit."""
    digits = "".join(text for text in call.heard if len(text) == 1)
    code = digits[: len(digits) // 2]
    assert _CODE.fullmatch(code), call.heard
    assert digits == code * 2
    return code


@contextmanager
def run_phone_line(
    folder: Path,
    environ: Mapping[str, str] = MappingProxyType({}),
    start: Start = running,
) -> Iterator[PhoneLine]:
    """Run a service with a phone line until the block ends."""
    with FakeTwilio() as twilio:
        settings = {
            **twilio.environ,
            "DIALTONE_SMS": "twilio",
            "DIALTONE_COUNTRIES": "*",
            "DIALTONE_PUBLIC_URL": PUBLIC_URL,
            "DIALTONE_OPERATOR": OPERATOR,
            **HIGH_CALL_LIMITS,
            **environ,
        }

        def inbox(phone: str) -> list[str]:
            return [message.form["Body"] for message in twilio.sent if message.form["To"] == phone]

        with (
            start(folder, settings, inbox) as service,
            open_client(service) as http,
        ):
            twilio.service_url, twilio.public_url = service.url, PUBLIC_URL
            yield PhoneLine(service, twilio, http)
