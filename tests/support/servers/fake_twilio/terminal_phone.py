"""A simulated phone in the terminal: it calls the service, and the service calls it."""

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio.phone_call import PhoneCall
from tests.support.servers.fake_twilio.server import Created, FakeTwilio
from tests.support.servers.fake_twilio.terminal import EndOfInput, Terminal

COMMANDS: Final = """\
Enter        call the service, or answer when the phone rings
+NUMBER      be another phone
/code        ask for a sign-in code as an app does, by a call to this phone
/signin CODE sign in with a code that you heard
/calls       show the calls of this phone, after a sign-in
/wait        wait until the phone rings
/help        show this list
/quit        end; so does Ctrl-D"""
HANG_UP: Final = "/hangup"
_KEYS: Final = re.compile(r"[0-9*#]+")
_NUMBER: Final = re.compile(r"\+\d{7,15}")
_DIAL_RESULTS: Final = ("completed", "busy", "no-answer", "failed", "canceled")
_SECONDS_OF_RINGING: Final = 30.0


class TerminalTwilio(FakeTwilio):
    """Shows messages in the terminal, and lets the phone ring there."""

    def __init__(self, terminal: Terminal, account_sid: str, auth_token: str, port: int) -> None:
        super().__init__(account_sid, auth_token, port)
        self._terminal = terminal
        self.ringing: deque[Created] = deque()

    def add_message(self, message: Created) -> None:
        super().add_message(message)
        text = " ".join(message.form["Body"].split())
        self._terminal.notify(f"  [message to {message.form['To']}] {text}")

    def add_call(self, call: Created) -> None:
        super().add_call(call)
        self.ringing.append(call)
        self._terminal.notify()


@dataclass
class TerminalPhone:
    """One phone: its calls, and the requests of the app on it."""

    terminal: Terminal
    twilio: TerminalTwilio
    service_url: str
    public_url: str
    number: str
    token: str = ""

    def use(self) -> None:
        """Follow the commands until the input ends."""
        self.terminal.show(COMMANDS, "")
        while True:
            try:
                line = self.terminal.read_line(
                    f"{self.number}, Enter calls the service> ", until=self._rings
                )
                if line == "/quit":
                    return
                self._follow(line)
            except EndOfInput:
                return
            except httpx.TransportError as error:
                self.terminal.show(
                    f"  The service does not respond at {self.service_url}: {error}. "
                    "Is it running? Start it, or run `make call` without --service."
                )

    def _rings(self) -> bool:
        return bool(self.twilio.ringing)

    def _follow(self, line: str | None) -> None:
        command, _, argument = (line or "").partition(" ")
        match command:
            case "" if line is None:
                self._receive(self.twilio.ringing.popleft())
            case "" | "/call":
                self._call()
            case "/wait":
                if not self.terminal.wait_until(self._rings, _SECONDS_OF_RINGING):
                    self.terminal.show("  The phone did not ring.")
            case "/code":
                self._post("/auth/request-otp", {"phone": self.number, "channel": "voice"})
            case "/signin":
                self._sign_in(argument.strip())
            case "/calls":
                self._show_calls()
            case "/help":
                self.terminal.show(COMMANDS)
            case number if _NUMBER.fullmatch(number):
                self.number, self.token = number, ""
            case _:
                self.terminal.show("  Unknown command.", COMMANDS)

    def _call(self) -> None:
        call = self._new_call()
        self.terminal.show(f"  {self.number} calls the service. {HANG_UP} hangs up.")
        self._talk(call, call.ring)

    def _receive(self, placed: Created) -> None:
        form = placed.form
        call = self._new_call()
        call.receive(placed)
        self.terminal.show(f"  {form['To']} rings: {form['From']} is calling.")
        status = "no-answer"
        try:
            line: str | None = None
            while line not in ("", "busy"):
                line = self.terminal.read_line("  Enter answers; or type busy> ")
            status = line
        finally:
            if status:
                call.end_unanswered(status)
        if not status:
            self.number = form["To"]
            self._talk(call, call.answer)

    def _new_call(self) -> PhoneCall:
        urls = (self.service_url, self.public_url)
        return PhoneCall(self.twilio, *urls, caller=self.number, stops_at_redirects=True)

    def _talk(self, call: PhoneCall, begin: Callable[[], None]) -> None:
        """Begin a call and go on until it ends; at the end of the input, hang up."""
        shown = 0
        try:
            begin()
            while True:
                self._show_heard(call.heard[shown:])
                shown = len(call.heard)
                if call.waits_for is None:
                    break
                self._act(call)
        except AssertionError as error:
            self.terminal.show(f"  {_explain(call, error, self.public_url)}")
        finally:
            if call.status in ("ringing", "in-progress"):
                with suppress(httpx.TransportError):
                    call.hang_up()
        self.terminal.show(f"  The call has ended: {call.status}.")
        self._offer_sign_in(call.heard)

    def _act(self, call: PhoneCall) -> None:
        """Do at the verb that waits what the next line says."""
        line = self.terminal.read_line(f"  {_prompt(call)}") or ""
        if line == HANG_UP:
            call.hang_up()
            return
        match call.waits_for:
            case "Redirect":
                call.stay()
            case "Record" if line:
                call.leave_recording(line.encode(), len(line.split()))
            case "Dial" if line == "answered":
                call.end_dial("completed")
            case "Dial" if line in _DIAL_RESULTS:
                call.end_dial(line)
            case "Dial":
                self.terminal.show(f"  Type answered or one of {', '.join(_DIAL_RESULTS)}.")
            case "Gather" if _KEYS.fullmatch(line):
                keys = int(call.verb.get("numDigits", "1")) if call.verb is not None else 1
                call.press(line[:keys])
            case "Gather" if line and not _takes_speech(call):
                self.terminal.show("  This call understands keys only.")
            case "Gather" if line:
                call.speak(line)
            case _:
                call.stay_silent()

    def _show_heard(self, texts: Iterable[str]) -> None:
        self.terminal.show(*(f"< {text}" for text in _join_digits(texts)))

    def _offer_sign_in(self, heard: Iterable[str]) -> None:
        codes = [text.replace(" ", "") for text in _join_digits(heard) if _is_code(text)]
        if codes:
            body = json.dumps({"phone": self.number, "otp": codes[-1]})
            self.terminal.show(
                f"  Sign in with /signin {codes[-1]}, or in another terminal:",
                f"  curl -s {self.service_url}/auth/verify-otp"
                f" -H 'Content-Type: application/json' -d '{body}'",
            )

    def _sign_in(self, code: str) -> None:
        if not code:
            self.terminal.show("  Type the code that you heard: /signin 123456")
            return
        content = self._post("/auth/verify-otp", {"phone": self.number, "otp": code})
        if content.get("success"):
            self.token = content["access_token"]
            self.terminal.show(f"  {self.number} is signed in. /calls shows its calls.")

    def _show_calls(self) -> None:
        if not self.token:
            self.terminal.show("  Sign in first: call, ask for a code, and type /signin CODE.")
            return
        headers = {"Authorization": f"Bearer {self.token}"}
        response = httpx.get(f"{self.service_url}/calls", headers=headers, **PLAIN_HTTP)
        for call in response.json().get("calls", []):
            self.terminal.show(f"  {json.dumps(call)}")

    def _post(self, path: str, body: dict[str, str]) -> dict[str, Any]:
        """Post JSON as the app does, and show the response without its token."""
        response = httpx.post(f"{self.service_url}{path}", json=body, timeout=60, **PLAIN_HTTP)
        content: dict[str, Any] = response.json()
        shown = {name: text for name, text in content.items() if "token" not in name}
        self.terminal.show(f"  POST {path}: {response.status_code} {json.dumps(shown)}")
        return content


def _prompt(call: PhoneCall) -> str:
    match call.waits_for:
        case "Gather" if _takes_speech(call):
            return "key or words; Enter is silence> "
        case "Gather":
            return "key; Enter is silence> "
        case "Dial":
            return "the operator's phone rings: answered, busy, no-answer, failed> "
        case "Record":
            return "speak after the tone; Enter is silence> "
        case _:
            return f"Enter stays on the line, {HANG_UP} hangs up> "


def _takes_speech(call: PhoneCall) -> bool:
    return call.verb is not None and "speech" in call.verb.get("input", "")


def _explain(call: PhoneCall, error: AssertionError, public_url: str) -> str:
    """Return what went wrong and what to do."""
    if call.responses and call.responses[-1].status == 403:
        path = urlsplit(call.requests[-1][0]).path
        return (
            f"The service rejected the signature of {path}. Start it with the variables that "
            f"--print-environment prints; its DIALTONE_PUBLIC_URL must be {public_url}, or be "
            "named by --public-url."
        )
    return f"{type(error).__name__}: {error}. The log of the service may say why."


def _join_digits(texts: Iterable[str]) -> Iterator[str]:
    """Join digits that are said one by one, as a code is."""
    spoken = (" ".join(text.split()) for text in texts)
    for is_digit, group in groupby(spoken, lambda text: len(text) == 1 and text.isdigit()):
        said = list(group)
        yield from [" ".join(said)] if is_digit else said


def _is_code(text: str) -> bool:
    return len(text) > 1 and text.replace(" ", "").isdigit()
