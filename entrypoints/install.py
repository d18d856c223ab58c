"""Bring .venv to what the locks say; with the word `dev`, also what tests and checks need.

The system's Python runs this before anything is installed, so it takes the standard library
alone. Any Python since 3.6 must be able to read it, to be told that 3.11 is needed.
"""

import sys

if sys.version_info[:2] != (3, 11):
    sys.exit(
        f"Python 3.11 is needed, with its venv module; this is Python {sys.version.split()[0]}.\n"
        "  Debian, Ubuntu: sudo apt install python3.11 python3.11-venv\n"
        "  Fedora:         sudo dnf install python3.11\n"
        "If it is here under another name: make PYTHON=/its/place/python3.11 install"
    )

import fcntl
import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from textwrap import shorten

LOCKS = {"run": ("requirements.lock",), "dev": ("requirements.lock", "requirements-dev.lock")}

# What is not in every Python, and the packages of Debian (Ubuntu) and of Fedora that bring it.
NEEDED = {
    "venv": ("python3.11-venv", "python3.11"),
    "ensurepip": ("python3.11-venv", "python3.11"),
    "_ssl": ("libpython3.11-stdlib", "python3.11-libs"),
    "_sqlite3": ("libpython3.11-stdlib", "python3.11-libs"),
}

# By the words in which pip or the system tells of it.
ADVICE = {
    r"No space left|quota exceeded": "The disk is full: make room, some 600 MB.",
    r"Read-only file system|Permission denied|Operation not permitted": (
        "This folder cannot be written to: work in one of your own; a .venv made by sudo must go."
    ),
    r"DO NOT MATCH THE HASHES": (
        "A package is not the one that the lock names. Do not go round it: find out who sent it."
    ),
    r"ConnectionError|NameResolutionError|Timeout|ProxyError|SSLError|Connection (refused|reset)": (
        "The package index cannot be reached: look at the network, and at pip's proxy and mirror."
    ),
}

# What pip says when all is well; the rest is shown, whole, when something is not.
CHATTER = re.compile(r" *(Collecting|Downloading|Ignoring|Looking|Processing|Requirement|Using) ")


class NotInstalled(Exception):
    """What was called said no, in these words."""


def missing_pieces() -> list[str]:
    """The parts of Python that are needed and absent, each with the package that brings it."""
    return [
        f"{name.strip('_')} (Debian, Ubuntu: {debian}; Fedora: {fedora})"
        for name, (debian, fedora) in NEEDED.items()
        if find_spec(name) is None
    ]


def advice(failure: str) -> str:
    """What to do about it; empty for a failure of no known kind."""
    return next((todo for sign, todo in ADVICE.items() if re.search(sign, failure)), "")


class Venv:
    """The .venv of one clone, and the stamp in it that tells what it holds.

    The stamp goes before anything is changed and comes back last: without it .venv is half made.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / "bin" / "python"
        self.stamp = self.folder / "installed"
        # A venv's scripts hold the address of its folder: one that was moved is of no use.
        self.maker = hashlib.sha256(f"{sys.version} {root}".encode()).hexdigest()

    def digest(self, kind: str) -> str:
        """Changes with everything that this kind is installed from."""
        sources = [self.root / name for name in ("pyproject.toml", *LOCKS[kind])]
        return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()

    def holds(self) -> dict[str, str]:
        """The digest of each kind that is installed; none where .venv has to be made anew."""
        if not (self.stamp.exists() and self.python.exists()):
            return {}
        stamped = self.stamp.read_text().splitlines()
        return dict(line.split() for line in stamped[1:]) if stamped[:1] == [self.maker] else {}

    def is_fresh(self, kind: str) -> bool:
        return self.holds().get(kind) == self.digest(kind)

    def write_stamp(self, kinds: dict[str, str]) -> None:
        beside = self.folder / "installed.new"
        beside.write_text("\n".join([self.maker, *(f"{k} {kinds[k]}" for k in kinds)]))
        beside.replace(self.stamp)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One install at a time: a second one waits, also for a pip that outlived the first."""
        with (self.root / ".venv.lock").open("w") as lock:
            os.set_inheritable(lock.fileno(), True)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Another install is under way in this folder: waiting for it.", flush=True)
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def install(self, kind: str) -> None:
        """Add to a whole .venv what is new; make any other one anew."""
        before = self.holds()
        after = {name: self.digest(name) for name in LOCKS if name in ("run", kind)}
        self.stamp.unlink(missing_ok=True)
        if not before:
            self.make()
        print(f"Fetching what {' and '.join(LOCKS[kind])} name", flush=True)
        try:
            self.pip("--require-hashes", *(f"--requirement={lock}" for lock in LOCKS[kind]))
        except NotInstalled as error:
            # Until pip says so it only fetches, and what was installed is still whole.
            if before and "Installing collected packages" not in str(error):
                self.write_stamp(before)
            raise
        self.pip("--no-deps", "--no-build-isolation", "--editable=.")
        self.write_stamp(after)

    def make(self) -> None:
        anew = " anew: half made, or of another Python or folder" if self.folder.exists() else ""
        print(f"Making .venv{anew}", flush=True)
        # In two steps, because venv keeps to itself what ensurepip has to say.
        call(sys.executable, "-I", "-m", "venv", "--clear", "--without-pip", str(self.folder))
        call(str(self.python), "-I", "-m", "ensurepip", "--default-pip")

    def pip(self, *arguments: str) -> None:
        # --no-user: somebody's own pip settings may ask for what a venv refuses.
        usual = ("--no-user", "--no-input", "--disable-pip-version-check", "--progress-bar=off")
        call(str(self.python), "-I", "-m", "pip", "install", *usual, *arguments, folder=self.root)


def call(*command: str, folder: Path | None = None) -> None:
    """Run it and show how far it is; an error of its own becomes one of ours, in its words."""
    output = []
    with subprocess.Popen(
        command,
        cwd=folder,
        # PYTHONPATH and its like would pass for installed packages.
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        close_fds=False,  # the open lock goes along
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as running:
        for line in running.stdout or ():
            show_progress(line)
            if not CHATTER.match(line):
                output.append(line)
    if running.returncode:
        raise NotInstalled("".join(output))


def show_progress(line: str) -> None:
    anew = "\r\033[K" if sys.stdout.isatty() else ""
    if line.startswith("Collecting ") and anew:
        print(f"{anew}  {line.split()[1]}", end="", flush=True)
    elif line.startswith("Installing collected packages: "):
        print(anew + shorten(line, 78, placeholder=" …"), flush=True)


def main(root: Path, kind: str) -> None:
    venv = Venv(root)
    try:
        if venv.is_fresh(kind):
            return
        missing = missing_pieces()
        if missing:
            sys.exit("\n  ".join([f"What this Python ({sys.executable}) lacks:", *missing]))
        with venv.alone():
            if not venv.is_fresh(kind):
                venv.install(kind)
    except (NotInstalled, OSError) as error:
        sys.exit(f"\n{error}\n{advice(str(error))}")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted: call it again to go on.")


if __name__ == "__main__":
    main(Path(__file__).resolve().parent.parent, "dev" if "dev" in sys.argv[1:] else "run")
