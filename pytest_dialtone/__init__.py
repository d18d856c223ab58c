"""The pytest plugin of the contract suites: `pytest --dialtone-adapter=package.module:factory`.

pytest imports it in each run in this virtual environment, also in those of other projects. So it
adds one option, and imports nothing of Dialtone. It is no module of `entrypoints`: in a project
that has a folder of that name, pytest could not import it, and no test of that project would run.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec

import pytest

_OPTION = "--dialtone-adapter"
_LIBRARIES = ("pytest_asyncio", "pytest_timeout")
_SETTING = "DIALTONE_TEST_SETTING"
"""It is set in the process that runs the suites, where PYTEST_ADDOPTS may have the option again."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("dialtone").addoption(
        _OPTION,
        metavar="package.module:factory",
        help="run the contract suites of Dialtone with this adapter, instead of your own tests",
    )


@pytest.hookimpl(tryfirst=True)  # before plugins that distribute tests
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Run the suites in another process, if the option is given; return its exit code."""
    factory: str | None = config.getoption(_OPTION)
    if factory is None or _SETTING in os.environ:
        return None
    if missing := [name.replace("_", "-") for name in _LIBRARIES if find_spec(name) is None]:
        names = " ".join(missing)
        raise pytest.UsageError(
            f"{_OPTION} needs {names}: pip install {names}, or install Dialtone's wheel with its "
            "extra `testing`."
        )
    arguments = _without_option(config.invocation_params.args)
    # -P: a folder of the author's that is called entrypoints or domain does not replace ours.
    command = [sys.executable, "-P", "-m", "pytest_dialtone.run", factory, *arguments]
    with subprocess.Popen(command) as suites:
        with suppress(KeyboardInterrupt):
            return suites.wait()
        return suites.wait()  # it got the signal too, and prints its summary


def _without_option(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the arguments of pytest that are for the suites."""
    others = iter(arguments)
    for argument in others:
        if argument == _OPTION:
            next(others)
        elif not argument.startswith(f"{_OPTION}="):
            yield argument
