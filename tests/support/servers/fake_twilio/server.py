"""The fake Twilio server, and signatures of webhooks.

- https://www.twilio.com/docs/messaging/api/message-resource
- https://www.twilio.com/docs/voice/api/call-resource
- https://www.twilio.com/docs/api/errors
- https://www.twilio.com/docs/usage/security#validating-requests
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import httpx

from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.http_server import Behavior, Exchange, HttpServer, respond_with

API_VERSION: Final = "2010-04-01"
_JSON: Final = {"Content-Type": "application/json"}
_STATUSES: Final = {20003: 401, 20404: 404, 20429: 429, 20500: 500}
_E164: Final = r"\+[1-9]\d{6,14}"
_REQUIRED: Final = {
    "Messages": {"To": (_E164, 21211), "Body": (r"(?s).{1,1600}", 21617)},
    "Calls": {"To": (_E164, 21211), "From": (".+", 21205), "Url": (".+", 21205)},
}
"""The fields of a request, each with its pattern and the error code for another value."""


FormFields = Sequence[tuple[str, str]]


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
      `voice_url` is set, and calls to them are reported there.
    - `sent` and `placed` are the messages and calls that were created.
    - `recordings` has the MP3 of each recording, by SID.
    - `service_url` is the service, which is known by `public_url`.
    """

    account_sid = "AC" + "0" * 30 + "da"
    auth_token = "the-token-of-the-fake-server"
    service_url = ""
    public_url = ""
    voice_url = ""
    status_url = ""

    def __init__(self) -> None:
        super().__init__(self.respond)
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
        # As patient as Twilio.
        self._client = httpx.Client(timeout=15, **PLAIN_HTTP)

    def close(self) -> None:
        super().close()
        self._client.close()

    @property
    def messages(self) -> list[dict[str, str]]:
        """The forms of all requests to create a message."""
        return [each.form for each in self.requests if each.path.endswith("/Messages.json")]

    def add_recording(self, content: bytes) -> str:
        """Store a recording and return its SID."""
        sid = f"RE{uuid4().hex}"
        self.recordings[sid] = content
        return sid

    def post(self, url: str, fields: FormFields) -> httpx.Response:
        """Post a signed form to a public URL of the service, as a proxy forwards it."""
        assert url.startswith(self.public_url), f"not a URL of the service: {url}"
        return self._client.post(
            self.service_url + url.removeprefix(self.public_url),
            content=urlencode(fields),
            headers={
                "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
                "User-Agent": "TwilioProxy/1.1",
                "X-Twilio-Signature": sign_webhook(self.auth_token, url, fields),
            },
        )

    def respond(self, exchange: Exchange) -> None:
        """Respond as Twilio documents it."""
        request = exchange.received
        url = urlsplit(request.path)
        account = f"/{API_VERSION}/Accounts/{self.account_sid}"
        match exchange.command, *re.split("[/.]", url.path.removeprefix(account)):
            case _ if request.credentials != (self.account_sid, self.auth_token):
                rejects(20003)(exchange)
            case "GET", "", "json":
                _send(exchange, {"sid": self.account_sid, "status": "active", "type": "Full"})
            case "GET", "", "IncomingPhoneNumbers", "json":
                searched = dict(parse_qsl(url.query)).get("PhoneNumber", "")
                numbers = [self._number(name) for name in self.numbers if searched in name]
                _send(exchange, {"incoming_phone_numbers": numbers, "next_page_uri": None})
            case "POST", "", "Messages" | "Calls" as resource, "json":
                self._create(exchange, resource)
            case "GET", "", "Recordings", sid, "mp3" if sid in self.recordings:
                exchange.respond(200, self.recordings[sid], {"Content-Type": "audio/mpeg"})
            case "DELETE", "", "Recordings", sid, "json" if sid in self.recordings:
                del self.recordings[sid]
                exchange.respond(204)
            case _:
                rejects(20404)(exchange)

    def _create(self, exchange: Exchange, resource: str) -> None:
        form = exchange.received.form
        for name, (pattern, code) in _REQUIRED[resource].items():
            if not re.fullmatch(pattern, form.get(name, "")):
                return rejects(code)(exchange)
        sid, created = ("CA", self.placed) if resource == "Calls" else ("SM", self.sent)
        created.append(Created(f"{sid}{uuid4().hex}", exchange.received.fields))
        status = "accepted" if "MessagingServiceSid" in form else "queued"
        own = {"sid": created[-1].sid, "status": status, "error_code": None}
        to = {"from": form.get("From"), "to": form["To"]}
        return _send(exchange, {"account_sid": self.account_sid, **to, **own}, 201)

    def _number(self, number: str) -> dict[str, Any]:
        return {
            "sid": f"PN{uuid4().hex}",
            "phone_number": number,
            "capabilities": {"voice": bool(self.voice_url), "sms": self.numbers[number]},
            "voice_url": self.voice_url,
            "status_callback": self.status_url,
        }


def rejects(code: int, status: int | None = None) -> Behavior:
    """Reject every request with this error code of Twilio."""
    status = status or _STATUSES.get(code, 400)
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    error = {"code": code, "message": f"Error {code}", "more_info": more_info, "status": status}
    challenge = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if status == 401 else {}
    return respond_with(status, json.dumps(error).encode(), _JSON | challenge)


def _send(exchange: Exchange, resource: Mapping[str, Any], status: int = 200) -> None:
    exchange.respond(status, json.dumps(resource).encode(), _JSON)


def sign_webhook(token: str, url: str, fields: FormFields = ()) -> str:
    """Sign a URL and the fields, sorted by name."""
    content = url + "".join(name + value for name, value in sorted(set(fields)))
    mac = hmac.digest(token.encode(), content.encode(), "sha1")
    return base64.b64encode(mac).decode()


def add_body_hash(url: str, body: str) -> str:
    """Add the hash of the body to the URL, as Twilio does for a body that is not a form."""
    separator = "&" if "?" in url else "?"
    return f"{url}{separator}bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
