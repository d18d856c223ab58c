"""Run all servers until Ctrl-C, and print the variables for tests in another terminal."""

import os
import shlex
import signal
import sys
from contextlib import suppress

from tests.support.servers.process import ServerUnavailable, interrupt_on_signals
from tests.support.servers.servers import Servers

interrupt_on_signals()
with suppress(KeyboardInterrupt), Servers(os.environ) as servers:
    try:
        variables = servers.mongo.exports() | servers.postgres.exports()
        variables |= servers.redis.exports() | servers.s3.exports()
    except ServerUnavailable as error:
        sys.exit(str(error))
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    sys.stdout.flush()
    print(*servers.report, "They run until Ctrl-C.", sep="\n", file=sys.stderr, flush=True)
    signal.pause()
