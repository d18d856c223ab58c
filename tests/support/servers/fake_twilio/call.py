"""Call the service from the terminal, without a Twilio account.

It simulates Twilio and a phone. By default it starts a service of its own, whose data stays in
var/call, so that the service knows at the next call who has joined.
"""

import argparse
import errno
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Final
from urllib.parse import urlsplit

import httpx

from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio.server import ACCOUNT_SID, AUTH_TOKEN, twilio_settings
from tests.support.servers.fake_twilio.terminal_phone import Terminal, TerminalPhone, TerminalTwilio
from tests.support.servers.process import ServerProcess, ServerUnavailable, exit_on_signals
from tests.support.service import command, free_port

PORT: Final = 8765
SERVICE: Final = "http://127.0.0.1:8000"


class OwnService(ServerProcess):
    """`dialtone run` on a free port, with its data in a folder."""

    name = "The service"

    def __init__(self, folder: Path, twilio: Mapping[str, str], flow: Path | None) -> None:
        super().__init__(Path(command()), folder)
        bind = f"127.0.0.1:{free_port()}"
        self.url = f"http://{bind}"
        self._settings = {
            "DIALTONE_BIND": bind,
            "DIALTONE_DATABASE": "sqlite:///dialtone.db",
            "DIALTONE_MEDIA": "file:media",
            "DIALTONE_SECRETS_FILE": "secrets.json",
            "DIALTONE_DRAIN_TIMEOUT": "2s",
            # A person who tries it calls often.
            "DIALTONE_INBOUND_LIMIT_PER_CALLER": "1000/1h",
            "DIALTONE_CALLBACK_LIMIT_PER_PHONE": "6/1d",
            **_phone_line_settings(self.url, twilio),
            **({"DIALTONE_CALL_FLOW": str(flow)} if flow else {}),
        }
        self.log.unlink(missing_ok=True)

    def arguments(self) -> list[str]:
        return ["run"]

    def environ(self) -> Mapping[str, str]:
        return {**super().environ(), **self._settings}

    def is_ready(self) -> bool:
        try:
            httpx.get(f"{self.url}/health/live", timeout=1, **PLAIN_HTTP)
        except httpx.TransportError:
            return False
        return True

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        except TimeoutExpired:
            self.kill()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until the input ends; return the exit code."""
    options = _parse(arguments)
    is_fixed = options.service or options.print_environment
    port = options.port if options.port is not None else PORT if is_fixed else 0
    service_url = (options.service or SERVICE).rstrip("/")
    public_url = (options.public_url or service_url).rstrip("/")
    if options.print_environment:
        account = (options.account_sid, options.auth_token)
        twilio = twilio_settings(*account, f"http://127.0.0.1:{port}")
        for name, value in _phone_line_settings(public_url, twilio).items():
            sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
        return 0
    try:
        _run(options, port, service_url, public_url)
    except (ServerUnavailable, OSError) as error:
        is_used = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        advice = f"Another process uses port {port}. Choose a port: --port {port + 1}"
        sys.stderr.write(f"{advice if is_used else error}\n")
        return 1
    return 0


def _phone_line_settings(public_url: str, twilio: Mapping[str, str]) -> dict[str, str]:
    return {
        "DIALTONE_SMS": "twilio",
        "DIALTONE_COUNTRIES": "*",
        "DIALTONE_PUBLIC_URL": public_url,
        "DIALTONE_OPERATOR": "+14155550100",
        **twilio,
    }


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.servers.fake_twilio.call",
        description=__doc__,
        epilog="docs/voice.md has examples.",
    )
    add = parser.add_argument
    add("--service", metavar="URL", type=_http_url, help="call a running service")
    add("--public-url", metavar="URL", help="its DIALTONE_PUBLIC_URL, if that is another URL")
    environment_help = "print the variables for a service that --service calls, and end"
    add("--print-environment", action="store_true", help=environment_help)
    add("--from", dest="caller", metavar="NUMBER", default="+14155552671")
    add("--flow", metavar="FILE", type=Path, help="a call flow of your own")
    add("--forget", action="store_true", help="delete the data of earlier calls in var/call")
    add("--folder", type=Path, default=Path("var/call"), help="of the own service; var/call")
    add("--port", type=int, help=f"of the simulated Twilio; free, or {PORT} with --service")
    add("--account-sid", default=ACCOUNT_SID)
    add("--auth-token", default=AUTH_TOKEN)
    return parser.parse_args(arguments)


def _http_url(text: str) -> str:
    if urlsplit(text).scheme != "http" or not urlsplit(text).hostname:
        raise argparse.ArgumentTypeError("write the URL with http://, such as " + SERVICE)
    return text


def _run(options: argparse.Namespace, port: int, service_url: str, public_url: str) -> None:
    exit_on_signals(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # Python has no stdin if it was closed.
    descriptor = sys.stdin.fileno() if sys.stdin else os.open(os.devnull, os.O_RDONLY)
    terminal = Terminal(descriptor, sys.stdout)
    with (
        TerminalTwilio(terminal, options.account_sid, options.auth_token, port) as twilio,
        ExitStack() as stack,
    ):
        if not options.service:
            folder = options.folder.resolve()
            if options.forget:
                shutil.rmtree(folder, ignore_errors=True)
            flow = options.flow.resolve() if options.flow else None
            terminal.show("The service is starting ...")
            service = stack.enter_context(OwnService(folder, twilio.environ, flow))
            service_url = public_url = service.url
            terminal.show(f"It runs at {service.url}. Its log: {service.log}")
        terminal.show("The phone and Twilio are simulated: nobody is called, nothing is sent.")
        TerminalPhone(terminal, twilio, service_url, public_url, options.caller).use()


if __name__ == "__main__":
    sys.exit(main())
