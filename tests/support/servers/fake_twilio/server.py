"""The fake Twilio server."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from tests.support.servers.fake_twilio.errors import (
    JSON,
    call_error,
    error_body,
    http_status,
    message_error,
)
from tests.support.servers.fake_twilio.resources import (
    API_VERSION,
    Resource,
    account_resource,
    call_resource,
    message_resource,
    numbers_resource,
)
from tests.support.servers.fake_twilio.webhooks import (
    FormFields,
    ServiceWebhooks,
    WebhookResponse,
    open_client,
)
from tests.support.servers.http_server import Exchange, HttpServer

ACCOUNT_SID: Final = "AC" + "0" * 30 + "da"
AUTH_TOKEN: Final = "the-token-of-the-fake-server"
_PATH: Final = re.compile(
    rf"/{API_VERSION}/Accounts/(?P<account>\w+?)(?P<resource>/[A-Z]\w+)?(/(?P<sid>\w+))?"
    r"\.(?P<format>json|mp3)\Z"
)


@dataclass(frozen=True, slots=True)
class TwilioRequest:
    """A request with its form fields in their order and its credentials."""

    method: str
    path: str
    fields: FormFields
    credentials: tuple[str, str] | None
    headers: Mapping[str, str] = field(repr=False)

    @property
    def form(self) -> dict[str, str]:
        """The form by name."""
        return dict(self.fields)


@dataclass(frozen=True, slots=True)
class Created:
    """A message or a call that a request has created: its SID, and the form."""

    sid: str
    fields: FormFields

    @property
    def form(self) -> dict[str, str]:
        """The form by name; the last value of each name."""
        return dict(self.fields)

    def values(self, name: str) -> list[str]:
        """Return all values of a name."""
        return [value for field_name, value in self.fields if field_name == name]


class FakeTwilio(HttpServer):
    """Twilio on a port of 127.0.0.1.

    - `requests` has all requests; `behavior` replaces the documented behavior.
    - `numbers` are those of the account, each with whether it can send messages. They can call if
      `has_voice` is set, and calls to them are reported to `voice_url`.
    - The numbers of Twilio's test credentials are rejected with their documented codes.
    - `sent` and `placed` are the messages and calls that were created.
    - `recordings` has the MP3 of each recording, by SID.
    """

    def __init__(
        self, account_sid: str = ACCOUNT_SID, auth_token: str = AUTH_TOKEN, port: int = 0
    ) -> None:
        super().__init__(self.respond, port)
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.requests: list[TwilioRequest] = []
        self.sent: list[Created] = []
        self.placed: list[Created] = []
        self.recordings: dict[str, bytes] = {}
        self.numbers = {"+15005550006": True}
        self.has_voice = True
        self.voice_url = ""
        self._client = open_client()

    def close(self) -> None:
        super().close()
        self._client.close()

    def webhooks(self, service_url: str, public_url: str) -> ServiceWebhooks:
        """Return the webhooks of a service that is known by its public URL."""
        return ServiceWebhooks(service_url, public_url, self.auth_token, self._client)

    @property
    def messages(self) -> list[dict[str, str]]:
        """The forms of all requests to create a message."""
        return [
            request.form for request in self.requests if request.path.endswith("/Messages.json")
        ]

    @property
    def calls(self) -> list[TwilioRequest]:
        """All requests to create a call."""
        return [request for request in self.requests if request.path.endswith("/Calls.json")]

    def add_message(self, message: Created) -> None:
        """Keep a message that was created."""
        self.sent.append(message)

    def add_call(self, call: Created) -> None:
        """Keep a call that was created; nobody answers it by itself."""
        self.placed.append(call)

    def add_recording(self, content: bytes) -> str:
        """Store a recording and return its SID."""
        sid = f"RE{uuid4().hex}"
        self.recordings[sid] = content
        return sid

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a service that uses this server."""
        return twilio_settings(self.account_sid, self.auth_token, self.url)

    def report_message(
        self, message: Created, status: str, webhooks: ServiceWebhooks, error_code: str = ""
    ) -> WebhookResponse:
        """Post the status of a message to the URL that was sent with it.

        https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
        """
        form = message.form
        fields = {
            "AccountSid": self.account_sid,
            "ApiVersion": API_VERSION,
            "From": form.get("From", ""),
            "To": form["To"],
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "MessageStatus": status,
            "SmsStatus": status,
            **({"ErrorCode": error_code} if error_code else {}),
        }
        return webhooks.post(form["StatusCallback"], list(fields.items()))

    def record(self, exchange: Exchange) -> None:
        self.requests.append(
            TwilioRequest(
                exchange.request.method,
                urlsplit(exchange.request.path).path,
                parse_qsl(exchange.body.decode(), keep_blank_values=True),
                _parse_credentials(exchange.headers.get("Authorization", "")),
                dict(exchange.headers.items()),
            )
        )

    def respond(self, exchange: Exchange) -> None:
        """Respond as Twilio documents it."""
        fields = parse_qsl(exchange.body.decode(), keep_blank_values=True)
        credentials = _parse_credentials(exchange.headers.get("Authorization", ""))
        match = _PATH.match(urlsplit(exchange.request.path).path)
        if credentials != (self.account_sid, self.auth_token):
            _send_error(exchange, 20003)
        elif match is None or match["account"] != self.account_sid:
            _send_error(exchange, 20404)
        else:
            path = (match["resource"] or "", match["sid"], match["format"])
            self._respond_with_resource(exchange, path, fields)

    def _respond_with_resource(
        self, exchange: Exchange, path: tuple[str, str | None, str], fields: FormFields
    ) -> None:
        form = dict(fields)
        match exchange.request.method, *path:
            case "GET", "", None, "json":
                _send_resource(exchange, 200, account_resource(self.account_sid))
            case "GET", "/IncomingPhoneNumbers", None, "json":
                query = dict(parse_qsl(urlsplit(exchange.request.path).query))
                searched = query.get("PhoneNumber", "")
                numbers = {name: sms for name, sms in self.numbers.items() if searched in name}
                resource = numbers_resource(
                    self.account_sid, numbers, self.voice_url, has_voice=self.has_voice
                )
                _send_resource(exchange, 200, resource)
            case "POST", "/Messages", None, "json":
                if code := message_error(form):
                    _send_error(exchange, code)
                    return
                message = message_resource(self.account_sid, form)
                self.add_message(Created(message["sid"], fields))
                _send_resource(exchange, 201, message)
            case "POST", "/Calls", None, "json":
                if code := call_error(form):
                    _send_error(exchange, code)
                    return
                call = call_resource(self.account_sid, form)
                self.add_call(Created(call["sid"], fields))
                _send_resource(exchange, 201, call)
            case "GET", "/Recordings", str(sid), "mp3" if sid in self.recordings:
                exchange.respond(200, self.recordings[sid], {"Content-Type": "audio/mpeg"})
            case "DELETE", "/Recordings", str(sid), "json" if sid in self.recordings:
                del self.recordings[sid]
                exchange.respond(204)
            case _:
                _send_error(exchange, 20404)


def twilio_settings(account_sid: str, auth_token: str, url: str) -> dict[str, str]:
    """Return the settings of a service that uses this server instead of Twilio."""
    return {
        "TWILIO_ACCOUNT_SID": account_sid,
        "TWILIO_AUTH_TOKEN": auth_token,
        "TWILIO_FROM": "+15005550006",
        "TWILIO_API_BASE": url,
    }


def _send_resource(exchange: Exchange, status: int, resource: Resource) -> None:
    exchange.respond(status, json.dumps(resource).encode(), JSON)


def _send_error(exchange: Exchange, code: int) -> None:
    status = http_status(code)
    challenge = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if status == 401 else {}
    exchange.respond(status, error_body(code, status), {**JSON, **challenge})


def _parse_credentials(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    name, _, secret = base64.b64decode(encoded).decode().partition(":")
    return name, secret
