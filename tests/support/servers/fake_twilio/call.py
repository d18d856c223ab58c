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
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.support.servers.errors import ServerUnavailable
from tests.support.servers.fake_twilio.own_service import OwnService, phone_line_settings
from tests.support.servers.fake_twilio.server import ACCOUNT_SID, AUTH_TOKEN, twilio_settings
from tests.support.servers.fake_twilio.terminal import Terminal
from tests.support.servers.fake_twilio.terminal_phone import TerminalPhone, TerminalTwilio
from tests.support.servers.process import exit_on_signals

PORT: Final = 8765
SERVICE: Final = "http://127.0.0.1:8000"
_EXAMPLES: Final = """\
examples:
  make call
  make call ARGS="--from +919876543210 --flow my-flow.toml"

for a service that runs already, in the first terminal:
  eval "$(.venv/bin/python -m tests.support.servers.fake_twilio.call --print-environment)"
  make run
and in the second:
  make call ARGS="--service http://127.0.0.1:8000"
"""


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
        for name, value in phone_line_settings(public_url, twilio).items():
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


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.servers.fake_twilio.call",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--service", metavar="URL", type=_http_url, help="call a running service")
    add("--public-url", metavar="URL", help="its DIALTONE_PUBLIC_URL, if that is another URL")
    add(
        "--print-environment",
        action="store_true",
        help="print the variables for a service that --service calls, and end",
    )
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
    with ExitStack() as stack:
        # Python has no stdin if it was closed.
        descriptor = sys.stdin.fileno() if sys.stdin else os.open(os.devnull, os.O_RDONLY)
        terminal = stack.enter_context(Terminal(descriptor, sys.stdout))
        twilio = stack.enter_context(
            TerminalTwilio(terminal, options.account_sid, options.auth_token, port)
        )
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
