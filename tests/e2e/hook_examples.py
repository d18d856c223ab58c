"""The hooks of the documentation in JavaScript, as processes."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.markdown import PROJECT
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.process import find_or_install, wait_until


@contextmanager
def run_example(name: str, port: int, output: Path, **environ: str) -> Iterator[None]:
    """Run a hook until the end of the block. What it prints is added to a file."""
    node = find_or_install("node", "nodejs")
    with (
        output.open("ab") as printed,
        subprocess.Popen(
            [node, PROJECT / "docs/deploy" / name],
            env={"PATH": os.environ["PATH"], "PORT": str(port), **environ},
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
        ) as process,
    ):
        try:
            wait_until(lambda: _responds(port), explain=output.read_text)
            yield
        finally:
            process.kill()


def _responds(port: int) -> bool:
    try:
        return httpx.head(f"http://127.0.0.1:{port}", **PLAIN_HTTP).status_code == 401
    except httpx.TransportError:
        return False
