"""`make test-adapter`, as the author of an adapter runs it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]


def run_contract_tests(
    factory: str, *arguments: str, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the contract tests with an adapter, with further arguments of pytest."""
    command = [sys.executable, "-m", "tests.adapter_run", factory, "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, *arguments],
        cwd=PROJECT,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
    )
