"""A call as Twilio makes it: it requests TwiML, executes it, and posts what happened.

Every document must be valid TwiML. Requests are signed for the public URL and sent to the service.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from tests.support import twiml
from tests.support.servers.fake_twilio.resources import API_VERSION
from tests.support.servers.fake_twilio.webhooks import WebhookResponse

if TYPE_CHECKING:
    from tests.support.servers.fake_twilio.server import FakeTwilio

_MAX_REDIRECTS: Final = 20
_NO_FIELDS: Final[Mapping[str, str]] = {}


class PhoneCall:
    """One call, inbound after `ring` and outbound after `answer`.

    Attributes:
        sid: The SID of the call.
        heard: Every text that was said so far, in its order.
        status: Twilio's status of the call.
        waits_for: The verb that waits for the caller or the operator: Gather, Dial or Record.
        requests: Every request so far, with its fields, so that a test can repeat it.
        responses: The responses to them.
    """

    def __init__(
        self,
        twilio: "FakeTwilio",
        service_url: str,
        public_url: str,
        *,
        caller: str = "+14155550001",
        number: str = "+15005550006",
    ) -> None:
        """Call `number` from `caller`; the service at `service_url` is known by `public_url`."""
        self._twilio = twilio
        self._service_url = service_url
        self._public_url = public_url
        self._fields = {
            "AccountSid": twilio.account_sid,
            "ApiVersion": API_VERSION,
            "From": caller,
            "Caller": caller,
            "To": number,
            "Called": number,
            "Direction": "inbound",
        }
        self._status_url = f"{public_url}/voice/status"
        self._verb: ET.Element | None = None
        self._next_verb: ET.Element | None = None
        self.sid = f"CA{uuid4().hex}"
        self.heard: list[str] = []
        self.status = "queued"
        self.requests: list[tuple[str, Sequence[tuple[str, str]]]] = []
        self.responses: list[WebhookResponse] = []

    @property
    def waits_for(self) -> str | None:
        """The verb that waits, if there is one."""
        return None if self._verb is None else self._verb.tag

    def ring(self) -> None:
        """Call the service's number."""
        self.status = "ringing"
        self._continue(f"{self._public_url}/voice")

    def answer(self, sid: str, form: Mapping[str, str]) -> None:
        """Answer a call that the service placed: its SID, and the form that placed it."""
        self.sid = sid
        self.status = "in-progress"
        self._fields |= {
            "From": form["From"],
            "Caller": form["From"],
            "To": form["To"],
            "Called": form["To"],
            "Direction": "outbound-api",
        }
        self._status_url = form["StatusCallback"]
        self._continue(form["Url"])

    def press(self, keys: str) -> None:
        """Press keys."""
        self._act("Gather", {"Digits": keys})

    def speak(self, text: str) -> None:
        """Say something."""
        self._act("Gather", {"SpeechResult": text, "Confidence": "0.91", "Language": "en-US"})

    def stay_silent(self) -> None:
        """Press and say nothing. An empty recording has no action: the next verb is executed."""
        if self.waits_for == "Record":
            self._verb = None
            if self._next_verb is None:
                self.hang_up()
            else:
                self._continue(self._next_verb.text or "")
        else:
            self._act("Gather", {"Digits": ""})

    def end_dial(self, status: str) -> None:
        """End the call to the operator with a DialCallStatus."""
        self._act("Dial", {"DialCallStatus": status, "DialCallSid": f"CA{uuid4().hex}"})

    def leave_recording(self, content: bytes, seconds: int = 7) -> str:
        """Speak after the beep; return the SID of the recording."""
        sid = self._twilio.add_recording(content)
        path = f"/{API_VERSION}/Accounts/{self._twilio.account_sid}/Recordings/{sid}"
        fields = {
            "RecordingSid": sid,
            "RecordingUrl": f"{self._twilio.url}{path}",
            "RecordingDuration": str(seconds),
        }
        status_url = self._attributes("Record").get("recordingStatusCallback")
        self._act("Record", {**fields, "Digits": "hangup"})
        if status_url is not None:
            self.post(status_url, {**fields, "RecordingStatus": "completed"})
        return sid

    def hang_up(self, status: str = "completed", seconds: int = 12) -> None:
        """End the call and post its status."""
        self.status, self._verb = status, None
        self.post(self._status_url, {"CallDuration": str(seconds), "Duration": "1"})

    def post(self, url: str, fields: Mapping[str, str] = _NO_FIELDS) -> WebhookResponse:
        """Post fields of this call to a public URL."""
        own_fields = {"CallSid": self.sid, "CallStatus": self.status}
        return self._post(url, list({**self._fields, **own_fields, **fields}.items()))

    def repeat(self, index: int = -1) -> WebhookResponse:
        """Send a request again, as Twilio does when it got no response; execute nothing."""
        return self._post(*self.requests[index])

    def _post(self, url: str, fields: Sequence[tuple[str, str]]) -> WebhookResponse:
        assert url.startswith(self._public_url), f"not a URL of the service: {url}"
        local_url = self._service_url + url.removeprefix(self._public_url)
        self.requests.append((url, fields))
        self.responses.append(self._twilio.post_webhook(local_url, fields, url))
        return self.responses[-1]

    def _act(self, verb: str, fields: Mapping[str, str]) -> None:
        url = self._attributes(verb)["action"]
        self._verb = None
        self._continue(url, fields)

    def _attributes(self, verb: str) -> Mapping[str, str]:
        assert self._verb is not None, f"the call waits for nothing, but not for {verb}"
        assert self._verb.tag == verb, f"the call waits for {self._verb.tag}, not for {verb}"
        return self._verb.attrib

    def _continue(self, url: str, fields: Mapping[str, str] = _NO_FIELDS) -> None:
        for _redirect in range(_MAX_REDIRECTS):
            response = self.post(url, fields)
            assert response.status == 200, f"status {response.status} of {url}"
            next_url = self._execute(twiml.validate(response.text))
            if next_url is None:
                return
            url, fields = next_url, _NO_FIELDS
        raise AssertionError("The redirects do not end.")

    def _execute(self, document: ET.Element) -> str | None:
        """Execute verbs until one waits or ends the call; return the URL of a redirect."""
        verbs = list(document)
        if verbs and verbs[0].tag == "Reject":
            self.hang_up("busy" if verbs[0].get("reason") == "busy" else "no-answer", 0)
            return None
        self.status = "in-progress"
        for index, verb in enumerate(verbs):
            self.heard += [say.text or "" for say in verb.iter("Say")]
            match verb.tag:
                case "Gather" | "Dial" | "Record":
                    self._verb = verb
                    self._next_verb = verbs[index + 1] if index + 1 < len(verbs) else None
                    return None
                case "Redirect":
                    return verb.text
                case "Hangup":
                    break
                case _:
                    continue
        self.hang_up()
        return None
