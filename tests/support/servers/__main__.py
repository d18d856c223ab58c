"""Run all servers until Ctrl-C, and print the variables for tests in another terminal."""

import os
import shlex
import signal
import sys
from contextlib import suppress
from itertools import chain

from tests.support.servers.process import ServerUnavailable, interrupt_on_signals
from tests.support.servers.servers import KINDS, Servers

interrupt_on_signals()
with suppress(KeyboardInterrupt), Servers(os.environ) as servers:
    try:
        variables = [*chain(*(servers.get(name).exports().items() for name in KINDS))]
    except ServerUnavailable as error:
        sys.exit(str(error))
    for name, value in variables:
        print(f"export {name}={shlex.quote(value)}")
    sys.stdout.flush()
    print("They run until Ctrl-C.", file=sys.stderr, flush=True)
    signal.pause()
