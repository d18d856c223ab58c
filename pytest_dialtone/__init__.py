"""The pytest plugin of the contract suites: `pytest --dialtone-adapter=package.module:factory`.

pytest imports it in each run in this virtual environment, also in those of other projects. So it
adds its options, and imports nothing of Dialtone. It is no module of `entrypoints`: in a project
that has a folder of that name, pytest could not import it, and no test of that project would run.
A service that uses one of the examples imports it without pytest.
"""

import os
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_ADAPTER = "--dialtone-adapter"
_PORT = "--dialtone-port"
_PARTIAL = "--dialtone-partial"
_LIBRARIES = ("pytest_asyncio", "pytest_timeout")
_IS_RUN = "DIALTONE_TEST_ADAPTER"
"""It is set in the process that runs the suites, whose arguments have the options again."""
FINISHED = 64
"""The process adds it to the exit code at its end: an adapter that ends it has proven nothing."""


def pytest_addoption(parser: "pytest.Parser") -> None:
    """Add the options."""
    group = parser.getgroup("dialtone")
    group.addoption(
        _ADAPTER,
        metavar="package.module:factory",
        help="run the contract suites of Dialtone with this adapter, instead of your own tests",
    )
    group.addoption(_PORT, metavar="NAME", help="the port of the adapter, such as messages")
    group.addoption(
        _PARTIAL, action="store_true", help="succeed even if some promises are not proven"
    )


def pytest_cmdline_main(config: "pytest.Config") -> int | None:
    """Run the suites in another process, if the option is given; return its exit code."""
    import pytest

    factory, port = config.getoption(_ADAPTER), config.getoption(_PORT)
    if _IS_RUN in os.environ:
        return None
    if factory is None:
        if port or config.getoption(_PARTIAL):
            raise pytest.UsageError(f"{_PORT} and {_PARTIAL} need {_ADAPTER}.")
        return None
    if missing := [name.replace("_", "-") for name in _LIBRARIES if find_spec(name) is None]:
        names = " ".join(missing)
        raise pytest.UsageError(
            f"{_ADAPTER} needs {names}: pip install {names}, or install Dialtone's wheel with its "
            "extra `testing`."
        )
    options = [_PARTIAL] if config.getoption(_PARTIAL) else []
    # -P: a folder of the author's that is called entrypoints or domain does not replace ours.
    command = [sys.executable, "-P", "-m", "pytest_dialtone.run", factory, port or ""]
    with subprocess.Popen([*command, *options, *config.invocation_params.args]) as suites:
        with suppress(KeyboardInterrupt):
            suites.wait()
        code = suites.wait()  # after Ctrl-C: it got the signal too, and prints its summary
    if code < FINISHED:
        sys.stderr.write("The process of the tests ended before their result.\n")
        return pytest.ExitCode.TESTS_FAILED
    return code - FINISHED
