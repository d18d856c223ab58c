"""Both servers by hand, for as long as they are wanted.

    python -m tests.support.servers

prints the variables that lead tests of another terminal to them.
"""

import os
import shlex
import signal
import sys

from tests.support.servers.environment import exports
from tests.support.servers.leaving import leave_at
from tests.support.servers.refusals import NoServer
from tests.support.servers.servers import Servers


def main() -> None:
    leave_at(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    with Servers(os.environ) as servers:
        try:
            variables = exports(servers.mongo(), servers.s3())
        except NoServer as refusal:
            sys.exit(str(refusal))
        for name, value in variables.items():
            print(f"export {name}={shlex.quote(value)}", flush=True)
        print(*servers.told, "They stay until Ctrl-C.", sep="\n", file=sys.stderr, flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
