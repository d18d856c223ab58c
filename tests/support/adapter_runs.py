"""`make test-adapter`, as the author of an adapter runs it."""

import os
import subprocess
from pathlib import Path
from typing import Final

from tests.support.forks import CONTRACT_TESTS, run_forked
from tests.support.markdown import PROJECT, blocks_in, page

_CONFIGURATION: Final = PROJECT / "tests/contract/suites/pytest.toml"
_TIMEOUT: Final = 100


def run_contract_tests(
    factory: str,
    port: str,
    *arguments: str,
    environ: dict[str, str] | None = None,
    folder: Path = PROJECT,
) -> subprocess.CompletedProcess[str]:
    """Run the contract tests of a port with an adapter, with further arguments of pytest.

    This is what `make test-adapter` starts, as a fork, which is faster.
    """
    options = ("-c", str(_CONFIGURATION), f"--adapter={factory}", f"--port={port}")
    variables = {"PYTHONPATH": str(folder), **os.environ, **(environ or {})}
    return run_forked(CONTRACT_TESTS, (*options, *arguments), folder, variables, _TIMEOUT)


def documented_adapter() -> str:
    """Return the code of `my_sms.py` in docs/adapters.md."""
    examples = blocks_in("python", page("docs/adapters.md"))
    [code] = [example for example in examples if "def open_file_messenger" in example]
    return code
