"""A call as Twilio makes it: it requests TwiML, executes it, and posts what happened.

Every document must be valid TwiML.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import uuid4

import httpx

from tests.support import twiml
from tests.support.servers.fake_twilio.server import API_VERSION, Created, FakeTwilio

_NO_FIELDS: Final[Mapping[str, str]] = {}


class PhoneCall:
    """A call, inbound after `ring` and outbound after `receive`.

    - `fields` is what all of its requests have in common.
    - `heard` has every text that was said so far.
    - `verb` waits for the caller or the operator: Gather, Dial or Record, and Redirect if the call
      `stops_at_redirects`, so that the caller can hang up before one.
    - `requests` and `responses` are all so far, so that a test can repeat them.
    """

    def __init__(
        self,
        twilio: FakeTwilio,
        caller: str = "+14155550001",
        *,
        stops_at_redirects: bool = False,
    ) -> None:
        self._twilio = twilio
        self._stops_at_redirects = stops_at_redirects
        self.fields = {"AccountSid": twilio.account_sid, "ApiVersion": API_VERSION}
        self._set_numbers(caller, "+15005550006", "inbound")
        self._url = f"{twilio.public_url}/voice"
        self._status_url = f"{self._url}/status"
        # https://www.twilio.com/docs/voice/api/call-resource#statuscallbackevent
        self._reported_events = ["completed"]
        self.verb: ET.Element | None = None
        self.sid = f"CA{uuid4().hex}"
        self.heard: list[str] = []
        self.status = "queued"
        self.requests: list[tuple[str, Sequence[tuple[str, str]]]] = []
        self.responses: list[httpx.Response] = []

    @property
    def waits_for(self) -> str | None:
        """The name of the verb that waits, if there is one."""
        return None if self.verb is None else self.verb.tag

    def ring(self) -> None:
        """Call the service's number."""
        self.status = "ringing"
        self._follow(self.post(self._url))

    def receive(self, placed: Created) -> None:
        """Let a call that the service placed ring."""
        form = placed.form
        self.sid = placed.sid
        self._set_numbers(form["From"], form["To"], "outbound-api")
        self._url, self._status_url = form["Url"], form["StatusCallback"]
        events = [event for name, event in placed.fields if name == "StatusCallbackEvent"]
        self._reported_events = events or self._reported_events
        self._report("initiated", "initiated")
        self._report("ringing", "ringing")

    def answer(self) -> None:
        self._report("answered", "in-progress")
        self._follow(self.post(self._url))

    def press(self, keys: str) -> None:
        """Press keys, or stay silent without any."""
        self._act("Gather", {"Digits": keys})

    def speak(self, text: str) -> None:
        self._act("Gather", {"SpeechResult": text, "Confidence": "0.91", "Language": "en-US"})

    def stay(self) -> None:
        """Follow the redirect that the call stopped at."""
        self._follow(self.post(self._take("Redirect").text or ""))

    def end_dial(self, status: str) -> None:
        """End the call to the operator with a DialCallStatus."""
        self._act("Dial", {"DialCallStatus": status, "DialCallSid": f"CA{uuid4().hex}"})

    def leave_recording(self, content: bytes, seconds: int = 7) -> str:
        """Speak after the beep, and press a key; return the SID of the recording."""
        attributes = self._take("Record").attrib
        sid = self._twilio.add_recording(content)
        path = f"/{API_VERSION}/Accounts/{self._twilio.account_sid}/Recordings/{sid}"
        url = f"{self._twilio.url}{path}"
        fields = {"RecordingSid": sid, "RecordingUrl": url, "RecordingDuration": str(seconds)}
        self._follow(self.post(attributes["action"], {**fields, "Digits": "#"}))
        if callback := attributes.get("recordingStatusCallback"):
            self.post(callback, {**fields, "RecordingStatus": "completed"})
        return sid

    def hang_up(self, status: str = "completed", seconds: int = 12) -> None:
        """End the call and post its status: completed, or why nobody answered."""
        self.verb = None
        duration = {"CallDuration": str(seconds), "Duration": str(min(seconds, 1))}
        self._report("completed", status, duration)

    def post(self, url: str, fields: Mapping[str, str] = _NO_FIELDS) -> httpx.Response:
        """Post fields of this call to a public URL."""
        own_fields = {"CallSid": self.sid, "CallStatus": self.status}
        self.requests.append((url, list({**self.fields, **own_fields, **fields}.items())))
        return self.repeat()

    def repeat(self, index: int = -1) -> httpx.Response:
        """Send a request again, as Twilio does when it got no response; execute nothing."""
        self.responses.append(self._twilio.post(*self.requests[index]))
        return self.responses[-1]

    def _set_numbers(self, caller: str, number: str, direction: str) -> None:
        numbers = {"From": caller, "Caller": caller, "To": number, "Called": number}
        self.fields |= {**numbers, "Direction": direction}

    def _report(self, event: str, status: str, fields: Mapping[str, str] = _NO_FIELDS) -> None:
        """Set the status, and post it if the service asked for this event."""
        self.status = status
        if event in self._reported_events:
            number = {"SequenceNumber": str(self._reported_events.index(event))}
            source = {"CallbackSource": "call-progress-events"}
            self.post(self._status_url, {**fields, **number, **source})

    def _act(self, verb: str, fields: Mapping[str, str]) -> None:
        self._follow(self.post(self._take(verb).attrib["action"], fields))

    def _take(self, name: str) -> ET.Element:
        """Return the verb that waits, which does not wait any longer."""
        verb, self.verb = self.verb, None
        assert verb is not None, f"the call waits for nothing, but not for {name}"
        assert verb.tag == name, f"the call waits for {verb.tag}, not for {name}"
        return verb

    def _follow(self, response: httpx.Response) -> None:
        """Execute a response, and those to its redirects, until a verb waits or ends the call."""
        url, _ = self.requests[-1]
        assert response.status_code == 200, f"status {response.status_code} of {url}"
        verbs = list(twiml.validate(response.text))
        if verbs and verbs[0].tag == "Reject":
            return self.hang_up("busy" if verbs[0].get("reason") == "busy" else "no-answer", 0)
        self.status = "in-progress"
        for verb in verbs:
            self.heard += [say.text or "" for say in verb.iter("Say")]
            match verb.tag:
                case "Hangup":
                    break
                case "Redirect" if not self._stops_at_redirects:
                    return self._follow(self.post(verb.text or ""))
                case "Gather" | "Dial" | "Record" | "Redirect":
                    self.verb = verb
                    return None
        return self.hang_up()
