"""A call as Twilio makes it: it requests TwiML, executes it, and posts what happened.

Every document must be valid TwiML.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from tests.support import twiml
from tests.support.servers.fake_twilio.resources import API_VERSION
from tests.support.servers.fake_twilio.webhooks import WebhookResponse

if TYPE_CHECKING:
    from tests.support.servers.fake_twilio.server import Created, FakeTwilio

_MAX_REDIRECTS: Final = 20
_NO_FIELDS: Final[Mapping[str, str]] = {}


class PhoneCall:
    """One call, inbound after `ring` and outbound after `receive`.

    Attributes:
        sid: The SID of the call.
        fields: What all of its requests have in common.
        heard: Every text that was said so far, in its order.
        status: Twilio's status of the call.
        verb: The verb that waits for the caller or the operator: Gather, Dial or Record, and
            Redirect if the call stops at redirects.
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
        stops_at_redirects: bool = False,
    ) -> None:
        """Call `number` from `caller`; the service at `service_url` is known by `public_url`.

        With `stops_at_redirects`, the caller can hang up before a redirect: see `stay`.
        """
        self._twilio = twilio
        self._webhooks = twilio.webhooks(service_url, public_url)
        self._stops_at_redirects = stops_at_redirects
        self.fields = {
            "AccountSid": twilio.account_sid,
            "ApiVersion": API_VERSION,
            **_between(caller, number),
            "Direction": "inbound",
        }
        self._url = f"{public_url}/voice"
        self._status_url = f"{public_url}/voice/status"
        # https://www.twilio.com/docs/voice/api/call-resource#statuscallbackevent
        self._reported_events = ["completed"]
        self.verb: ET.Element | None = None
        self._next_verb: ET.Element | None = None
        self.sid = f"CA{uuid4().hex}"
        self.heard: list[str] = []
        self.status = "queued"
        self.requests: list[tuple[str, Sequence[tuple[str, str]]]] = []
        self.responses: list[WebhookResponse] = []

    @property
    def waits_for(self) -> str | None:
        """The name of the verb that waits, if there is one."""
        return None if self.verb is None else self.verb.tag

    def ring(self) -> None:
        """Call the service's number."""
        self.status = "ringing"
        self._continue(self._url)

    def receive(self, placed: "Created") -> None:
        """Let a call that the service placed ring."""
        form = placed.form
        self.sid = placed.sid
        self.fields |= {**_between(form["From"], form["To"]), "Direction": "outbound-api"}
        self._url, self._status_url = form["Url"], form["StatusCallback"]
        self._reported_events = placed.values("StatusCallbackEvent") or self._reported_events
        self._report("initiated", "initiated")
        self._report("ringing", "ringing")

    def answer(self) -> None:
        """Answer the call."""
        self._report("answered", "in-progress")
        self._continue(self._url)

    def end_unanswered(self, status: str) -> None:
        """End a call that nobody answered: busy, no-answer, failed or canceled."""
        self._report("completed", status, {"CallDuration": "0", "Duration": "0"})

    def press(self, keys: str) -> None:
        """Press keys."""
        self._act("Gather", {"Digits": keys})

    def speak(self, text: str, language: str = "en-US") -> None:
        """Say something."""
        self._act("Gather", {"SpeechResult": text, "Confidence": "0.91", "Language": language})

    def stay_silent(self) -> None:
        """Press and say nothing. An empty recording has no action: the next verb is executed."""
        if self.waits_for == "Record":
            self.verb = None
            if self._next_verb is None:
                self.hang_up()
            else:
                self._continue(self._next_verb.text or "")
        else:
            self._act("Gather", {"Digits": ""})

    def stay(self) -> None:
        """Follow the redirect that the call stopped at."""
        url = self._waiting("Redirect").text or ""
        self.verb = None
        self._continue(url)

    def end_dial(self, status: str) -> None:
        """End the call to the operator with a DialCallStatus."""
        self._act("Dial", {"DialCallStatus": status, "DialCallSid": f"CA{uuid4().hex}"})

    def leave_recording(self, content: bytes, seconds: int = 7) -> str:
        """Speak after the beep and press a key; return the SID of the recording."""
        sid, fields = self._make_recording(content, seconds)
        status_url = self._waiting("Record").get("recordingStatusCallback")
        self._act("Record", {**fields, "Digits": "#"})
        self._report_recording(status_url, fields)
        return sid

    def hang_up_after_recording(self, content: bytes, seconds: int = 7) -> str:
        """Speak after the beep and hang up; return the SID of the recording.

        Twilio requests the action, but executes nothing of the response.
        """
        sid, fields = self._make_recording(content, seconds)
        attributes = self._waiting("Record").attrib
        self.status, self.verb = "completed", None
        self.post(attributes["action"], {**fields, "Digits": "hangup"})
        self._report_recording(attributes.get("recordingStatusCallback"), fields)
        self.hang_up(seconds=seconds + 5)
        return sid

    def hang_up(self, status: str = "completed", seconds: int = 12) -> None:
        """End the call and post its status."""
        self.verb = None
        self._report("completed", status, {"CallDuration": str(seconds), "Duration": "1"})

    def post(self, url: str, fields: Mapping[str, str] = _NO_FIELDS) -> WebhookResponse:
        """Post fields of this call to a public URL."""
        own_fields = {"CallSid": self.sid, "CallStatus": self.status}
        return self._post(url, list({**self.fields, **own_fields, **fields}.items()))

    def repeat(self, index: int = -1) -> WebhookResponse:
        """Send a request again, as Twilio does when it got no response; execute nothing."""
        return self._post(*self.requests[index])

    def retry(self) -> None:
        """Send the last request again, since it got no response, and go on with the response."""
        self._follow(self.repeat())

    def _post(self, url: str, fields: Sequence[tuple[str, str]]) -> WebhookResponse:
        self.requests.append((url, fields))
        self.responses.append(self._webhooks.post(url, fields))
        return self.responses[-1]

    def _report(self, event: str, status: str, fields: Mapping[str, str] = _NO_FIELDS) -> None:
        """Set the status, and post it if the service asked for this event."""
        self.status = status
        if event in self._reported_events:
            number = {"SequenceNumber": str(self._reported_events.index(event))}
            source = {"CallbackSource": "call-progress-events"}
            self.post(self._status_url, {**fields, **number, **source})

    def _make_recording(self, content: bytes, seconds: int) -> tuple[str, dict[str, str]]:
        sid = self._twilio.add_recording(content)
        path = f"/{API_VERSION}/Accounts/{self._twilio.account_sid}/Recordings/{sid}"
        return sid, {
            "RecordingSid": sid,
            "RecordingUrl": f"{self._twilio.url}{path}",
            "RecordingDuration": str(seconds),
        }

    def _report_recording(self, status_url: str | None, fields: Mapping[str, str]) -> None:
        if status_url is not None:
            self.post(status_url, {**fields, "RecordingStatus": "completed"})

    def _act(self, verb: str, fields: Mapping[str, str]) -> None:
        url = self._waiting(verb).attrib["action"]
        self.verb = None
        self._continue(url, fields)

    def _waiting(self, verb: str) -> ET.Element:
        assert self.verb is not None, f"the call waits for nothing, but not for {verb}"
        assert self.verb.tag == verb, f"the call waits for {self.verb.tag}, not for {verb}"
        return self.verb

    def _continue(self, url: str, fields: Mapping[str, str] = _NO_FIELDS) -> None:
        self._follow(self.post(url, fields))

    def _follow(self, response: WebhookResponse) -> None:
        """Execute a response, and those to its redirects."""
        for _redirect in range(_MAX_REDIRECTS):
            url, _ = self.requests[-1]
            assert response.status == 200, f"status {response.status} of {url}"
            next_url = self._execute(twiml.validate(response.text))
            if next_url is None:
                return
            response = self.post(next_url)
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
                    self.verb = verb
                    self._next_verb = verbs[index + 1] if index + 1 < len(verbs) else None
                    return None
                case "Redirect" if self._stops_at_redirects:
                    self.verb = verb
                    return None
                case "Redirect":
                    return verb.text
                case "Hangup":
                    break
                case _:
                    continue
        self.hang_up()
        return None


def _between(caller: str, number: str) -> dict[str, str]:
    return {"From": caller, "Caller": caller, "To": number, "Called": number}
