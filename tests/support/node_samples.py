"""The samples of docs/deploy in JavaScript, as processes."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.support.markdown import PROJECT
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.process import find_or_install, wait_until


@contextmanager
def run_node_sample(name: str, port: int, output: Path, **environ: str) -> Iterator[None]:
    """Run a sample until the end of the block. What it prints is added to a file."""

    def responds() -> bool:
        with suppress(httpx.TransportError):
            return bool(httpx.head(f"http://127.0.0.1:{port}", **PLAIN_HTTP).status_code)
        return False

    with (
        output.open("ab") as printed,
        subprocess.Popen(
            [find_or_install("node", "nodejs"), PROJECT / "docs/deploy" / name],
            env={"PATH": os.environ["PATH"], "PORT": str(port), **environ},
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
        ) as process,
    ):
        try:
            wait_until(responds, explain=output.read_text)
            yield
        finally:
            process.kill()
