"""`make test-adapter ADAPTER=package.module:factory PORT=NAME`: the contract suites."""

import subprocess
import sys
from contextlib import suppress

from tests.contract.suites import FINISHED


def main(arguments: list[str]) -> int:
    """Run the suites in another process, and return their exit code, which is that of pytest.

    An adapter that ends the process has proven nothing, and the code is 1.

    Args:
        arguments: The path of the factory and the name of the port, then those of pytest.
    """
    command = [sys.executable, "-m", "tests.contract.suites.run", *arguments]
    with subprocess.Popen(command) as suites:
        with suppress(KeyboardInterrupt):
            suites.wait()
        code = suites.wait()  # after Ctrl-C: it got the signal too, and prints its summary
    if code < FINISHED:
        sys.stderr.write("The process of the tests ended before their result.\n")
        return 1
    return code - FINISHED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
