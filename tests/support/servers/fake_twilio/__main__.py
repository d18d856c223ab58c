"""Run the fake Twilio until Ctrl-C, and print all requests.

python -m tests.support.servers.fake_twilio [--port N]
"""

import argparse
import sys

from tests.support.servers.fake_twilio import control
from tests.support.servers.fake_twilio.server import ACCOUNT_SID, AUTH_TOKEN, FakeTwilio
from tests.support.servers.http_server import Exchange


class PrintingTwilio(FakeTwilio):
    """Prints all requests."""

    def record(self, exchange: Exchange) -> None:
        super().record(exchange)
        if not exchange.request.path.startswith(control.PATH):
            request = self.requests[-1]
            _print(
                f"{request.method} {request.path}",
                *(f"  {name}: {value}" for name, value in request.fields),
            )


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.servers.fake_twilio",
        description="A fake Twilio server, which sends no messages.",
        epilog=control.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1; any free one")
    parser.add_argument("--account-sid", default=ACCOUNT_SID)
    parser.add_argument("--auth-token", default=AUTH_TOKEN)
    arguments = parser.parse_args()
    with PrintingTwilio(arguments.account_sid, arguments.auth_token, arguments.port) as twilio:
        _print(*(f"export {name}={value}" for name, value in twilio.environ.items()))
        try:
            twilio.wait()
        except KeyboardInterrupt:
            _print("")


def _print(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
