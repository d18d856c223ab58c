"""Call the service from the terminal, without a Twilio account.

It simulates Twilio and a phone, and starts a service whose data stays in var/call, so that the
service knows at the next call who has joined. DIALTONE_ variables of the environment are settings
of this service.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx

from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio.phone_call import PhoneCall
from tests.support.servers.fake_twilio.server import FakeTwilio
from tests.support.servers.http_server import Exchange
from tests.support.servers.process import interrupt_on_signals
from tests.support.service import Service

COMMANDS: Final = """\
Enter        call the service, or answer when the phone rings
+NUMBER      be another phone
Everywhere, also in a call:
/code        ask for a sign-in code as an app does, by a call to this phone
/signin CODE sign in with a code that you heard
/calls       show the calls of this phone, after a sign-in
/quit        hang up and end; so does Ctrl-D"""
PROMPTS: Final = {
    "Gather": "key or words; Enter is silence",
    "Dial": "the operator's phone rings: answered, busy, no-answer, failed, canceled",
    "Record": "speak after the tone",
    "Redirect": "Enter stays on the line, /hangup hangs up",
}
PHONE_LINE: Final = {
    "DIALTONE_SMS": "twilio",
    "DIALTONE_VOICE": "twilio",
    "DIALTONE_COUNTRIES": "*",
    "DIALTONE_OPERATOR": "+14155550100",
}


def show(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def read_line(prompt: str) -> str:
    """Return the next line; raises EOFError."""
    line = input(f"{prompt}> ").strip()
    if not sys.stdin.isatty():
        show(line)  # so that the output can be read without the input
    return line


class Phone(FakeTwilio):
    """Twilio, a phone with its calls, and the app on it."""

    number = ""
    token = ""

    def respond(self, exchange: Exchange) -> None:
        super().respond(exchange)
        form = exchange.received.form
        if "Body" in form:
            show(f"\n  [message to {form['To']}] {form['Body']}")
        elif "Url" in form:
            show(f"\n  {form['To']} rings: Enter answers.")

    def follow(self, line: str) -> None:
        """Do what a line says."""
        match line:
            case "" if self.placed:
                placed = self.placed.pop(0)
                self.number = placed.form["To"]
                call = PhoneCall(self, self.number, stops_at_redirects=True)
                call.receive(placed)
                self._talk(call, call.answer)
            case "":
                show(f"  {self.number} calls the service. /hangup hangs up.")
                call = PhoneCall(self, self.number, stops_at_redirects=True)
                self._talk(call, call.ring)
            case number if re.fullmatch(r"\+\d{7,15}", number):
                self.number, self.token = number, ""
            case _:
                self._command(line)

    def _command(self, line: str) -> None:
        """Do what a line says that means the same in a call and outside."""
        command, _, argument = line.partition(" ")
        match command:
            case "/code":
                self._send("POST", "/auth/request-otp", {"phone": self.number, "channel": "voice"})
            case "/signin":
                otp = {"phone": self.number, "otp": argument}
                self.token = self._send("POST", "/auth/verify-otp", otp).get("access_token", "")
            case "/calls":
                self._send("GET", "/calls", None)
            case "/quit":
                raise EOFError
            case _:
                show(COMMANDS)

    def _talk(self, call: PhoneCall, begin: Callable[[], None]) -> None:
        """Begin a call and go on until it ends; at the end of the input, hang up."""
        try:
            begin()
            while call.heard or call.verb is not None:
                if call.heard:
                    show(f"< {' '.join(call.heard)}")
                    call.heard.clear()
                if call.verb is not None:
                    self._act(call, read_line(f"  {PROMPTS[call.verb.tag]}"))
        finally:
            if call.status in ("ringing", "in-progress"):
                call.hang_up()
        show(f"  The call has ended: {call.status}.")

    def _act(self, call: PhoneCall, line: str) -> None:
        """Do at the verb that waits what a line says."""
        match call.waits_for:
            case _ if line == "/hangup":
                call.hang_up()
            case _ if line.startswith("/"):
                self._command(line)
            case "Redirect":
                call.stay()
            case "Dial":
                call.end_dial("completed" if line == "answered" else line)
            case "Record" if line:
                call.leave_recording(line.encode(), len(line.split()))
            case "Gather" if re.fullmatch(r"[0-9*#]*", line):
                call.press(line)
            case "Gather":
                call.speak(line)

    def _send(self, method: str, path: str, body: Any) -> dict[str, Any]:
        """Send a request as the app does, and show the response."""
        url = f"{self.service_url}{path}"
        headers = {"Authorization": f"Bearer {self.token or 'none'}"}
        response = httpx.request(method, url, json=body, headers=headers, timeout=60, **PLAIN_HTTP)
        show(f"  {method} {path}: {response.status_code} {response.text}")
        content: dict[str, Any] = response.json()
        return content


def main() -> None:
    """Run until the input ends."""
    parser = argparse.ArgumentParser(prog="make call", description=__doc__)
    parser.add_argument("--from", dest="number", metavar="NUMBER", default="+14155552671")
    parser.add_argument("--texts", metavar="FILE", type=Path, help="texts and words of your own")
    parser.add_argument("--folder", type=Path, default=Path("var/call"), help="of the data")
    options = parser.parse_args()
    interrupt_on_signals()
    own = {name: text for name, text in os.environ.items() if name.startswith("DIALTONE_")}
    own = {name: own[name] for name in own.keys() - {"DIALTONE_BIND", "DIALTONE_PUBLIC_URL"}}
    texts = {"DIALTONE_CALL_TEXTS": str(options.texts.resolve())} if options.texts else {}
    with suppress(KeyboardInterrupt), Phone() as phone:
        settings = {**own, **PHONE_LINE, **phone.environ, **texts}
        service = Service(options.folder.resolve(), settings)
        phone.number, phone.service_url, phone.public_url = options.number, service.url, service.url
        try:
            # Ctrl-C in the terminal is for this process.
            service.start(process_group=0)
            show(f"It is all simulated: nobody is called, nothing is sent.\n{COMMANDS}")
            with suppress(EOFError):
                while True:
                    phone.follow(read_line(f"\n{phone.number}, Enter calls the service"))
        except (AssertionError, httpx.TransportError) as error:
            sys.exit(f"{error}\n{service.log if service.is_running else ''}")
        finally:
            service.stop()
            for file in service.outputs:
                file.unlink()


if __name__ == "__main__":
    main()
