"""`pytest --dialtone-adapter=…`, as the author of an adapter runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]


def run_contract_tests(
    factory: str, *arguments: str, environ: dict[str, str] | None = None, folder: Path = PROJECT
) -> subprocess.CompletedProcess[str]:
    """Run the contract tests with an adapter, with further arguments of pytest.

    This starts what the plugin of pytest starts. A second pytest would take longer.
    """
    command = [sys.executable, "-m", "entrypoints.contract_tests.run", factory]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def documented_adapter() -> str:
    """Return the code of `my_sms.py` in docs/adapters.md."""
    document = (PROJECT / "docs/adapters.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    [code] = [example for example in examples if "def open_file_messenger" in example]
    return str(code)
