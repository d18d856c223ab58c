"""A simulated phone in the terminal: it calls the service, and the service calls it."""

import json
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any, Final, TextIO

import httpx

from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio.phone_call import PhoneCall
from tests.support.servers.fake_twilio.server import Created, FakeTwilio

COMMANDS: Final = """\
Enter        call the service, or answer when the phone rings
+NUMBER      be another phone
/code        ask for a sign-in code as an app does, by a call to this phone
/signin CODE sign in with a code that you heard
/calls       show the calls of this phone, after a sign-in
/wait        wait until the phone rings
/help        show this list
/quit        end; so does Ctrl-D"""
_NUMBER: Final = re.compile(r"\+\d{7,15}")
_DIAL_RESULTS: Final = ("answered", "busy", "no-answer", "failed", "canceled")


class Terminal:
    """Input by lines, from a person or from a pipe, and the calls that ring meanwhile.

    A thread reads the lines, so that the main thread waits for both in one place.
    """

    def __init__(self, input_descriptor: int, output: TextIO) -> None:
        self.ringing: deque[Created] = deque()
        self._output = output
        self._echoes = not os.isatty(input_descriptor)
        self._lines: deque[str | None] = deque()
        self._prompt = ""
        self._changed = threading.Condition()
        threading.Thread(target=self._read, args=(input_descriptor,), daemon=True).start()

    def show(self, *lines: str) -> None:
        self._write("".join(f"{line}\n" for line in lines))

    def notify(self, text: str) -> None:
        """Show what another thread reports, and then the prompt again."""
        with self._changed:
            self._write(f"\n{text}\n{self._prompt}")

    def ring(self, call: Created) -> None:
        with self._changed:
            self.ringing.append(call)
            self._changed.notify_all()

    def wait_for_ring(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: bool(self.ringing), seconds)

    def read_line(self, prompt: str, *, can_ring: bool = False) -> str | None:
        """Return the next line, or None if the phone rings; raises EOFError."""
        with self._changed:
            self._prompt = prompt
            self._write(prompt)
            self._changed.wait_for(lambda: self._lines or (can_ring and self.ringing))
            self._prompt = ""
            if can_ring and self.ringing:
                self.show("")
                return None
            if self._lines[0] is None:
                self.show("")
                raise EOFError
            line = self._lines.popleft() or ""
        if self._echoes:
            self.show(line.rstrip("\n"))  # so that the output can be read without the input
        return line.strip()

    def _read(self, descriptor: int) -> None:
        with open(descriptor, encoding="utf-8", errors="replace", closefd=False) as lines:
            for line in chain(lines, [None]):
                with self._changed:
                    self._lines.append(line)
                    self._changed.notify_all()

    def _write(self, text: str) -> None:
        self._output.write(text)
        self._output.flush()


class TerminalTwilio(FakeTwilio):
    """Shows messages in the terminal, and lets the phone ring there."""

    def __init__(self, terminal: Terminal, account_sid: str, auth_token: str, port: int) -> None:
        super().__init__(account_sid, auth_token, port)
        self._terminal = terminal

    def add_message(self, message: Created) -> None:
        text = " ".join(message.form["Body"].split())
        self._terminal.notify(f"  [message to {message.form['To']}] {text}")

    def add_call(self, call: Created) -> None:
        self._terminal.ring(call)


@dataclass
class TerminalPhone:
    """One phone: its calls, and the requests of the app on it."""

    terminal: Terminal
    twilio: FakeTwilio
    service_url: str
    public_url: str
    number: str
    token: str = ""

    def use(self) -> None:
        """Follow the commands until the input ends."""
        self.terminal.show(COMMANDS, "")
        line: str | None = ""
        with suppress(EOFError):
            while line != "/quit":
                prompt = f"{self.number}, Enter calls the service> "
                line = self.terminal.read_line(prompt, can_ring=True)
                try:
                    self._follow(line)
                except httpx.TransportError as error:
                    self.terminal.show(
                        f"  The service does not respond at {self.service_url}: {error}. "
                        "Is it running? Start it, or run `make call` without --service."
                    )

    def _follow(self, line: str | None) -> None:
        command, _, argument = (line or "").partition(" ")
        match command:
            case "" if line is None:
                self._receive(self.terminal.ringing.popleft())
            case "" | "/call":
                self.terminal.show(f"  {self.number} calls the service. /hangup hangs up.")
                call = self._new_call()
                self._talk(call, call.ring)
            case "/wait":
                if not self.terminal.wait_for_ring(30):
                    self.terminal.show("  The phone did not ring.")
            case "/code":
                self._post("/auth/request-otp", {"phone": self.number, "channel": "voice"})
            case "/signin" if argument:
                otp = {"phone": self.number, "otp": argument.strip()}
                self.token = self._post("/auth/verify-otp", otp).get("access_token", self.token)
            case "/calls" if self.token:
                headers = {"Authorization": f"Bearer {self.token}"}
                response = httpx.get(f"{self.service_url}/calls", headers=headers, **PLAIN_HTTP)
                for entry in response.json().get("calls", []):
                    self.terminal.show(f"  {json.dumps(entry)}")
            case "/calls":
                self.terminal.show("  Sign in first: call, ask for a code, and type /signin CODE.")
            case number if _NUMBER.fullmatch(number):
                self.number, self.token = number, ""
            case "/quit":
                pass
            case _:
                self.terminal.show(COMMANDS)

    def _new_call(self) -> PhoneCall:
        urls = (self.service_url, self.public_url)
        return PhoneCall(self.twilio, *urls, caller=self.number, stops_at_redirects=True)

    def _receive(self, placed: Created) -> None:
        form = placed.form
        call = self._new_call()
        call.receive(placed)
        self.terminal.show(f"  {form['To']} rings: {form['From']} is calling.")
        status: str | None = "no-answer"
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

    def _talk(self, call: PhoneCall, begin: Callable[[], None]) -> None:
        """Begin a call and go on until it ends; at the end of the input, hang up."""
        shown = 0
        try:
            begin()
            while True:
                said = _join_digits(call.heard[shown:])
                self.terminal.show(*(f"< {text}" for text in said))
                shown = len(call.heard)
                if call.waits_for is None:
                    break
                self._act(call)
        except AssertionError as error:
            is_signature = call.responses and call.responses[-1].status == 403
            reason = (
                "The service rejected the signature. Start it with the variables that "
                f"--print-environment prints; its DIALTONE_PUBLIC_URL must be {self.public_url}, "
                "or be named by --public-url."
            )
            self.terminal.show(
                f"  {reason if is_signature else f'{error}. See the log of the service.'}"
            )
        finally:
            if call.status in ("ringing", "in-progress"):
                with suppress(httpx.TransportError):
                    call.hang_up()
        self.terminal.show(f"  The call has ended: {call.status}.")
        spoken = (text.replace(" ", "") for text in _join_digits(call.heard))
        if codes := [text for text in spoken if len(text) > 1 and text.isdigit()]:
            body = json.dumps({"phone": self.number, "otp": codes[-1]})
            self.terminal.show(
                f"  Sign in with /signin {codes[-1]}, or in another terminal:",
                f"  curl -s {self.service_url}/auth/verify-otp"
                f" -H 'Content-Type: application/json' -d '{body}'",
            )

    def _act(self, call: PhoneCall) -> None:
        """Do at the verb that waits what the next line says."""
        assert call.verb is not None
        takes_speech = "speech" in call.verb.get("input", "")
        prompts = {
            "Gather": f"key{' or words' if takes_speech else ''}; Enter is silence> ",
            "Dial": "the operator's phone rings: answered, busy, no-answer, failed> ",
            "Record": "speak after the tone; Enter is silence> ",
            "Redirect": "Enter stays on the line, /hangup hangs up> ",
        }
        line = self.terminal.read_line(f"  {prompts[call.verb.tag]}") or ""
        if line == "/hangup":
            call.hang_up()
            return
        match call.verb.tag:
            case "Redirect":
                call.stay()
            case "Record" if line:
                call.leave_recording(line.encode(), len(line.split()))
            case "Dial" if line in _DIAL_RESULTS:
                call.end_dial("completed" if line == "answered" else line)
            case "Dial":
                self.terminal.show(f"  Type one of {', '.join(_DIAL_RESULTS)}.")
            case "Gather" if re.fullmatch(r"[0-9*#]+", line):
                call.press(line[: int(call.verb.get("numDigits", "1"))])
            case "Gather" if line and takes_speech:
                call.speak(line)
            case "Gather" if line:
                self.terminal.show("  This call understands keys only.")
            case _:
                call.stay_silent()

    def _post(self, path: str, body: dict[str, str]) -> dict[str, Any]:
        """Post JSON as the app does, and show the response without its token."""
        response = httpx.post(f"{self.service_url}{path}", json=body, timeout=60, **PLAIN_HTTP)
        content: dict[str, Any] = response.json()
        shown = {name: text for name, text in content.items() if "token" not in name}
        self.terminal.show(f"  POST {path}: {response.status_code} {json.dumps(shown)}")
        return content


def _join_digits(texts: Iterable[str]) -> Iterator[str]:
    """Join digits that are said one by one, as a code is."""
    spoken = (" ".join(text.split()) for text in texts)
    for is_digit, group in groupby(spoken, lambda text: len(text) == 1 and text.isdigit()):
        said = list(group)
        yield from [" ".join(said)] if is_digit else said
