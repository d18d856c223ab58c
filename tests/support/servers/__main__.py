"""Run both servers until Ctrl-C, and print the variables for tests in another terminal.

python -m tests.support.servers
"""

import os
import shlex
import signal
import sys

from tests.support.servers.mongo import MongoProcess
from tests.support.servers.process import ServerUnavailable, exit_on_signals
from tests.support.servers.s3 import S3Process
from tests.support.servers.servers import Servers

if __name__ == "__main__":
    exit_on_signals(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    with Servers(os.environ) as servers:
        try:
            variables = servers.open(MongoProcess).exports() | servers.open(S3Process).exports()
        except ServerUnavailable as error:
            sys.exit(str(error))
        for name, value in variables.items():
            print(f"export {name}={shlex.quote(value)}", flush=True)
        print(*servers.report, "They run until Ctrl-C.", sep="\n", file=sys.stderr, flush=True)
        signal.pause()
