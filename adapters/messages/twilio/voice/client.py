"""Calls and recordings in Twilio's REST API."""

import re
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Final

from adapters.messages.twilio.client import InvalidResponse, TwilioClient, check_status
from adapters.shared.http import Form, HttpStream
from domain.otp.delivery import MAX_CODE_CALL

CALL_SID: Final = re.compile(r"CA[0-9a-fA-F]{32}")
RECORDING_SID: Final = re.compile(r"RE[0-9a-fA-F]{32}")
RING_SECONDS: Final = "30"
TIME_LIMIT: Final = str(int(MAX_CODE_CALL.total_seconds()))
# https://www.twilio.com/docs/voice/api/call-resource#statuscallbackevent
_CALL_EVENTS: Final = ["initiated", "ringing", "answered", "completed"]


class TwilioCallClient(TwilioClient):
    """The client, with the requests about calls."""

    async def create_call(self, to: str, from_: str, url: str, status_url: str) -> str:
        """Create a call, which begins with the TwiML at `url`, and return its SID."""
        form: Form = {
            "To": to,
            "From": from_,
            "Url": url,
            "Method": "POST",
            "StatusCallback": status_url,
            "StatusCallbackMethod": "POST",
            "StatusCallbackEvent": _CALL_EVENTS,
            "Timeout": RING_SECONDS,
            "TimeLimit": TIME_LIMIT,
        }
        call = await self.request("POST", f"{self.account_url}/Calls.json", form)
        if not isinstance(call.sid, str) or CALL_SID.fullmatch(call.sid) is None:
            raise InvalidResponse
        check_status(call)
        return call.sid

    async def delete_recording(self, recording_sid: str) -> None:
        url = f"{self.account_url}/Recordings/{recording_sid}.json"
        # Another server may respond with a success too.
        if (await self.send("DELETE", url)).status != HTTPStatus.NO_CONTENT:
            raise InvalidResponse

    def open_recording(
        self, recording_sid: str, total_seconds: float
    ) -> AbstractAsyncContextManager[HttpStream]:
        return self.transport.open_stream(
            f"{self.account_url}/Recordings/{recording_sid}.mp3",
            credentials=self.credentials,
            total_seconds=total_seconds,
        )
