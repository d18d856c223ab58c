import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from tests.support.servers.loopback import Exchange, Loopback
from tests.support.servers.twilio_stand_in import control
from tests.support.servers.twilio_stand_in.refusals import JSON, refusal, status_of
from tests.support.servers.twilio_stand_in.resources import (
    API_VERSION,
    Resource,
    a_call,
    a_message,
    an_account,
)
from tests.support.servers.twilio_stand_in.rules import code_against_call, code_against_message
from tests.support.servers.twilio_stand_in.webhooks import Pairs, WebhookAnswer, post_webhook

ACCOUNT: Final = "AC" + "0" * 30 + "da"
TOKEN: Final = "the-token-of-the-stand-in"
_PATH: Final = re.compile(rf"/{API_VERSION}/Accounts/(?P<account>\w+?)(?P<what>/\w+)?\.json\Z")


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it came: its form in order, and whose it was said to be."""

    method: str
    path: str
    fields: Pairs
    credentials: tuple[str, str] | None
    headers: Mapping[str, str] = field(repr=False)

    @property
    def form(self) -> dict[str, str]:
        """The form by name."""
        return dict(self.fields)


class TwilioStandIn(Loopback):
    """Twilio on a port of 127.0.0.1: `behaviour` is what it does, `sent` what it was sent.

    By itself it does what Twilio documents; the numbers of Twilio's test credentials are
    refused with their codes.
    """

    def __init__(self, account_sid: str = ACCOUNT, auth_token: str = TOKEN, port: int = 0) -> None:
        super().__init__(self.answer, port)
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.sent: list[Sent] = []

    @property
    def messages(self) -> list[dict[str, str]]:
        """The forms of all messages that it was asked to send."""
        return [one.form for one in self.sent if one.path.endswith("/Messages.json")]

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a service that sends by it."""
        return {
            "TWILIO_ACCOUNT_SID": self.account_sid,
            "TWILIO_AUTH_TOKEN": self.auth_token,
            "TWILIO_FROM": "+15005550006",
            "TWILIO_API_BASE": self.url,
        }

    def post_webhook(self, url: str, fields: Pairs, signed_as: str | None = None) -> WebhookAnswer:
        """Post a signed form to this address."""
        return post_webhook(url, fields, token=self.auth_token, signed_as=signed_as)

    def serve(self, exchange: Exchange) -> None:
        if exchange.asked.path.startswith(control.PATH):
            control.serve(self, exchange)
        else:
            super().serve(exchange)

    def heard(self, exchange: Exchange) -> None:
        if exchange.asked.path.startswith(control.PATH):
            return
        self.sent.append(
            Sent(
                exchange.asked.method,
                urlsplit(exchange.asked.path).path,
                parse_qsl(exchange.body.decode(), keep_blank_values=True),
                _credentials(exchange.headers.get("Authorization", "")),
                dict(exchange.headers.items()),
            )
        )

    def answer(self, exchange: Exchange) -> None:
        """Do what Twilio does."""
        form = dict(parse_qsl(exchange.body.decode(), keep_blank_values=True))
        found = _PATH.match(urlsplit(exchange.asked.path).path)
        if _credentials(exchange.headers.get("Authorization", "")) != (
            self.account_sid,
            self.auth_token,
        ):
            _refuse(exchange, 20003)
        elif found is None or found["account"] != self.account_sid:
            _refuse(exchange, 20404)
        else:
            self._answer(exchange, found["what"] or "", form)

    def _answer(self, exchange: Exchange, what: str, form: Mapping[str, str]) -> None:
        code: int | None
        match exchange.asked.method, what:
            case "GET", "":
                _give(exchange, 200, an_account(self.account_sid))
            case "POST", "/Messages":
                code = code_against_message(form)
                if code is None:
                    _give(exchange, 201, a_message(self.account_sid, form))
                else:
                    _refuse(exchange, code)
            case "POST", "/Calls":
                code = code_against_call(form)
                if code is None:
                    _give(exchange, 201, a_call(self.account_sid, form))
                else:
                    _refuse(exchange, code)
            case _:
                _refuse(exchange, 20404)


def _give(exchange: Exchange, status: int, resource: Resource) -> None:
    exchange.answer(status, json.dumps(resource).encode(), JSON)


def _refuse(exchange: Exchange, code: int) -> None:
    status = status_of(code)
    challenge = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if status == 401 else {}
    exchange.answer(status, refusal(code, status), {**JSON, **challenge})


def _credentials(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    name, _, secret = base64.b64decode(encoded).decode().partition(":")
    return name, secret
