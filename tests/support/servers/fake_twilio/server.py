"""The fake Twilio server.

- https://www.twilio.com/docs/messaging/api/message-resource
- https://www.twilio.com/docs/voice/api/call-resource
- https://www.twilio.com/docs/api/errors
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import httpx

from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.behaviors import respond_with
from tests.support.servers.fake_twilio.webhooks import FormFields, ServiceWebhooks
from tests.support.servers.http_server import Behavior, Exchange, HttpServer

API_VERSION: Final = "2010-04-01"
_JSON: Final = {"Content-Type": "application/json"}
_PATH: Final = re.compile(
    rf"/{API_VERSION}/Accounts/(?P<account>\w+?)(?P<resource>/[A-Z]\w+)?(/(?P<sid>\w+))?"
    r"\.(?P<format>json|mp3)\Z"
)
_STATUSES: Final = {20003: 401, 20404: 404, 20429: 429, 20500: 500}
_E164: Final = re.compile(r"\+[1-9]\d{6,14}\Z")


class Created(NamedTuple):
    """A message or a call that a request has created: its SID, and the form."""

    sid: str
    fields: FormFields

    @property
    def form(self) -> dict[str, str]:
        return dict(self.fields)


class FakeTwilio(HttpServer):
    """Twilio on a port of 127.0.0.1.

    - `behavior` replaces the documented behavior.
    - `numbers` are those of the account, each with whether it can send messages. They can call if
      `has_voice` is set, and calls to them are reported to `voice_url`.
    - `sent` and `placed` are the messages and calls that were created.
    - `recordings` has the MP3 of each recording, by SID.
    """

    account_sid = "AC" + "0" * 30 + "da"
    auth_token = "the-token-of-the-fake-server"

    def __init__(self, port: int = 0) -> None:
        super().__init__(self.respond, port)
        self.environ = {
            "TWILIO_ACCOUNT_SID": self.account_sid,
            "TWILIO_AUTH_TOKEN": self.auth_token,
            "TWILIO_FROM": "+15005550006",
            "TWILIO_API_BASE": self.url,
        }
        self.sent: list[Created] = []
        self.placed: list[Created] = []
        self.recordings: dict[str, bytes] = {}
        self.numbers = {"+15005550006": True}
        self.has_voice = True
        self.voice_url = ""
        # As patient as Twilio.
        self._client = httpx.Client(timeout=15, **PLAIN_HTTP)

    def close(self) -> None:
        super().close()
        self._client.close()

    def webhooks(self, service_url: str, public_url: str) -> ServiceWebhooks:
        """Return the webhooks of a service that is known by its public URL."""
        return ServiceWebhooks(service_url, public_url, self.auth_token, self._client)

    @property
    def messages(self) -> list[dict[str, str]]:
        """The forms of all requests to create a message."""
        return [each.form for each in self.requests if each.path.endswith("/Messages.json")]

    def add_message(self, message: Created) -> None:
        self.sent.append(message)

    def add_call(self, call: Created) -> None:
        """Keep a call that was created; nobody answers it by itself."""
        self.placed.append(call)

    def add_recording(self, content: bytes) -> str:
        """Store a recording and return its SID."""
        sid = f"RE{uuid4().hex}"
        self.recordings[sid] = content
        return sid

    def report_message(
        self, message: Created, status: str, webhooks: ServiceWebhooks, error_code: str = ""
    ) -> httpx.Response:
        """Post the status of a message to the URL that was sent with it.

        https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
        """
        form = message.form
        fields = {
            "AccountSid": self.account_sid,
            "ApiVersion": API_VERSION,
            "From": form.get("From", ""),
            "To": form["To"],
            **dict.fromkeys(("MessageSid", "SmsSid"), message.sid),
            **dict.fromkeys(("MessageStatus", "SmsStatus"), status),
            **({"ErrorCode": error_code} if error_code else {}),
        }
        return webhooks.post(form["StatusCallback"], list(fields.items()))

    def respond(self, exchange: Exchange) -> None:
        """Respond as Twilio documents it."""
        request = exchange.received
        form = request.form
        url = urlsplit(request.path)
        match = _PATH.match(url.path)
        if request.credentials != (self.account_sid, self.auth_token):
            return rejects(20003)(exchange)
        if match is None or match["account"] != self.account_sid:
            return rejects(20404)(exchange)
        match exchange.command, match["resource"], match["sid"], match["format"]:
            case "GET", None, None, "json":
                _send(exchange, {"sid": self.account_sid, "status": "active", "type": "Full"})
            case "GET", "/IncomingPhoneNumbers", None, "json":
                searched = dict(parse_qsl(url.query)).get("PhoneNumber", "")
                numbers = [self._number(name) for name in self.numbers if searched in name]
                _send(exchange, {"incoming_phone_numbers": numbers, "next_page_uri": None})
            case "POST", "/Messages" | "/Calls" as resource, None, "json":
                if code := _find_error(resource, form):
                    return rejects(code)(exchange)
                is_call = resource == "/Calls"
                created = Created(f"{'CA' if is_call else 'SM'}{uuid4().hex}", request.fields)
                (self.add_call if is_call else self.add_message)(created)
                to = {"from": form.get("From"), "to": form["To"]}
                status = "accepted" if "MessagingServiceSid" in form else "queued"
                own = {"sid": created.sid, "status": status, "error_code": None}
                _send(exchange, {"account_sid": self.account_sid, **to, **own}, 201)
            case "GET", "/Recordings", str(sid), "mp3" if sid in self.recordings:
                exchange.respond(200, self.recordings[sid], {"Content-Type": "audio/mpeg"})
            case "DELETE", "/Recordings", str(sid), "json" if sid in self.recordings:
                del self.recordings[sid]
                exchange.respond(204)
            case _:
                rejects(20404)(exchange)
        return None

    def _number(self, number: str) -> dict[str, Any]:
        return {
            "sid": f"PN{uuid4().hex}",
            "phone_number": number,
            "capabilities": {"voice": self.has_voice, "sms": self.numbers[number]},
            "voice_url": self.voice_url,
        }


def rejects(code: int, status: int | None = None) -> Behavior:
    """Reject every request with this error code of Twilio."""
    status = status or _STATUSES.get(code, 400)
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    error = {"code": code, "message": f"Error {code}", "more_info": more_info, "status": status}
    challenge = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if status == 401 else {}
    return respond_with(status, json.dumps(error).encode(), _JSON | challenge)


def _find_error(resource: str, form: Mapping[str, str]) -> int | None:
    """Return the error code of a message or a call, or None if it is valid."""
    if not _E164.match(form.get("To", "")):
        return 21211
    if resource == "/Calls":
        return None if form.get("From") and form.get("Url") else 21205
    if not form.get("From") and not form.get("MessagingServiceSid"):
        return 21603
    text = form.get("Body", "")
    return 21602 if not text else 21617 if len(text) > 1600 else None


def _send(exchange: Exchange, resource: Mapping[str, Any], status: int = 200) -> None:
    exchange.respond(status, json.dumps(resource).encode(), _JSON)
