"""The randomness of the operating system, in blocks."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from adapters.system import SystemRandomness

_FORKS: Final = """
import os
from adapters.system import SystemRandomness
randomness = SystemRandomness()
randomness.bytes(16)
child = os.fork()
os.write(1, f"{randomness.bytes(16).hex()}\\n".encode())
if child:
    os.waitpid(child, 0)
"""


def test_no_bytes_are_returned_twice_to_any_thread() -> None:
    randomness = SystemRandomness()

    with ThreadPoolExecutor(8) as threads:
        values = list(threads.map(randomness.bytes, [16] * 20_000))

    assert len(set(values)) == 20_000


def test_a_forked_process_has_bytes_of_its_own() -> None:
    run = subprocess.run([sys.executable, "-c", _FORKS], capture_output=True, text=True, check=True)

    assert len(set(run.stdout.split())) == 2
