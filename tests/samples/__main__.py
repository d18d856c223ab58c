"""Tells whether the samples in docs/deploy were tried as they are.

`python -m tests.samples` fails if they, their tests or what they use of the service have changed
since `make test-samples` passed, which writes their hash with `--write`.
"""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
TRIED: Final = PROJECT / "tests/samples/tried.txt"
PATHS: Final = (
    "docs/deploy",
    # The files of a Secret, and the runbooks to which alerts link.
    *("docs/deployment.md", "docs/runbooks.md"),
    # What the samples use of the service: settings with their defaults, metrics, start and stop,
    # health checks, and the headers and time limits that a proxy sees.
    *(".env.example", "docs/log.md"),
    *("entrypoints/server", "entrypoints/http/operations.py"),
    *("entrypoints/http/requests/middleware.py", "entrypoints/http/requests/deadlines.py"),
    # Other versions of the server and of the framework.
    "requirements.lock",
    "tests/samples",
)


def hash_files() -> str:
    """Return a hash of all these files, committed or not."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *PATHS]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    names = sorted({*listed.stdout.split("\0")} - {"", str(TRIED.relative_to(PROJECT))})
    total = hashlib.sha256()
    for name in names:
        if (file := PROJECT / name).is_file():
            total.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def main() -> int:
    """Write the hash, or compare it with the one of the last run that passed."""
    current = hash_files()
    if TRIED.exists() and TRIED.read_text().strip() == current:
        result, text = 0, "The samples were tried as they are."
    elif "--write" in sys.argv[1:]:
        TRIED.write_text(f"{current}\n")
        result, text = 0, f"The samples pass. Commit {TRIED.relative_to(PROJECT)}."
    else:
        result, text = 1, "The samples or what they use changed since `make test-samples` passed."
    sys.stdout.write(f"{text}\n")
    return result


if __name__ == "__main__":
    sys.exit(main())
