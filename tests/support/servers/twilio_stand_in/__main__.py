"""python -m tests.support.servers.twilio_stand_in [--port N]: runs until Ctrl-C, and prints what comes."""

import argparse
import sys

from tests.support.servers.loopback import Exchange
from tests.support.servers.twilio_stand_in import control
from tests.support.servers.twilio_stand_in.stand_in import ACCOUNT, TOKEN, TwilioStandIn


class Talkative(TwilioStandIn):
    """Prints what it is sent."""

    def heard(self, exchange: Exchange) -> None:
        super().heard(exchange)
        if not exchange.asked.path.startswith(control.PATH):
            last = self.sent[-1]
            _print(
                f"{last.method} {last.path}", *(f"  {name}: {value}" for name, value in last.fields)
            )


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.servers.twilio_stand_in",
        description="A stand-in for Twilio; sends nothing to anybody.",
        epilog=control.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1; any free one")
    parser.add_argument("--account-sid", default=ACCOUNT)
    parser.add_argument("--auth-token", default=TOKEN)
    wanted = parser.parse_args()
    with Talkative(wanted.account_sid, wanted.auth_token, wanted.port) as twilio:
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
