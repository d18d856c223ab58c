"""Install the packages of the locks into .venv; the argument `dev` adds those of tests and checks.

The system's Python runs this file before anything is installed, so it imports only the standard
library. Any Python since 3.6 can read it, and so reports which version is needed.
"""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(
        "Python 3.11, 3.12 or 3.13 is needed, with its venv module. "
        f"This is Python {sys.version.split()[0]}.\n"
        "  Debian, Ubuntu: sudo apt install python3.11 python3.11-venv\n"
        "  Fedora:         sudo dnf install python3.11\n"
        "If it is installed elsewhere: make PYTHON=/path/to/python3.11 install"
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

# Modules that a Python may lack, with their packages in Debian (Ubuntu) and in Fedora.
PYTHON = f"python3.{sys.version_info[1]}"
REQUIRED_MODULES = {
    "venv": (f"{PYTHON}-venv", PYTHON),
    "ensurepip": (f"{PYTHON}-venv", PYTHON),
    "_ssl": (f"lib{PYTHON}-stdlib", f"{PYTHON}-libs"),
    "_sqlite3": (f"lib{PYTHON}-stdlib", f"{PYTHON}-libs"),
}

# Advice for each error message of pip or of the system.
ADVICE = {
    r"No space left|quota exceeded": "The disk is full: free about 600 MB.",
    r"Read-only file system|Permission denied|Operation not permitted": (
        "This folder is not writable: use a folder of your own, and delete a .venv made by sudo."
    ),
    r"DO NOT MATCH THE HASHES": (
        "A package differs from the one in the lock. Do not work around it: find out where it "
        "comes from."
    ),
    r"ConnectionError|NameResolutionError|Timeout|ProxyError|SSLError|Connection (refused|reset)": (
        "The package index is not reachable: check the network, and the proxy and mirror of pip."
    ),
}

# Lines of pip that are not shown if it fails.
PIP_PROGRESS = re.compile(
    r" *(Collecting|Downloading|Ignoring|Looking|Processing|Requirement|Using) "
)


class InstallError(Exception):
    """A command has failed; the text is its output."""


def find_missing_modules() -> list[str]:
    """Return the required modules that this Python lacks, each with its packages."""
    return [
        f"{name.strip('_')} (Debian, Ubuntu: {debian}; Fedora: {fedora})"
        for name, (debian, fedora) in REQUIRED_MODULES.items()
        if find_spec(name) is None
    ]


def find_advice(output: str) -> str:
    """Return advice for an error message; empty for an unknown one."""
    return next((text for pattern, text in ADVICE.items() if re.search(pattern, output)), "")


class Venv:
    """The .venv of one clone.

    A stamp file in it says what is installed. It is deleted before a change and written at the
    end, so a .venv without it is incomplete.
    """

    def __init__(self, root: Path) -> None:
        """Describe the .venv in a folder; nothing is created.

        Args:
            root: the folder of the clone.
        """
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / "bin" / "python"
        self.stamp = self.folder / "installed"
        # The scripts of a venv contain its path, so a venv that was moved does not work.
        self.origin = hashlib.sha256(f"{sys.version} {root}".encode()).hexdigest()

    def required_digest(self, kind: str) -> str:
        """Return the digest of everything that this kind is installed from."""
        sources = [self.root / name for name in ("pyproject.toml", *LOCKS[kind])]
        return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()

    def installed_digests(self) -> dict[str, str]:
        """Return the digest of each installed kind; empty if .venv has to be made again."""
        if not (self.stamp.exists() and self.python.exists()):
            return {}
        lines = self.stamp.read_text().splitlines()
        return dict(line.split() for line in lines[1:]) if lines[:1] == [self.origin] else {}

    def is_up_to_date(self, kind: str) -> bool:
        """Whether this kind is installed from the current locks."""
        return self.installed_digests().get(kind) == self.required_digest(kind)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Allow one install at a time; wait also for a pip that outlived its installer."""
        with (self.root / ".venv.lock").open("w") as file:
            os.set_inheritable(file.fileno(), True)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Another install runs in this folder: waiting for it.", flush=True)
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def install(self, kind: str) -> None:
        """Add new packages to a complete .venv; make any other .venv again.

        Args:
            kind: a key of `LOCKS`.

        Raises:
            InstallError: a command has failed.
        """
        before = self.installed_digests()
        after = {name: self.required_digest(name) for name in LOCKS if name in ("run", kind)}
        self.stamp.unlink(missing_ok=True)
        if not before:
            self._make()
        print(f"Installing the packages of {' and '.join(LOCKS[kind])}", flush=True)
        try:
            self._pip_install(
                "--require-hashes", *(f"--requirement={lock}" for lock in LOCKS[kind])
            )
        except InstallError as error:
            # Before this line pip only downloads, so the installed packages are still complete.
            if before and "Installing collected packages" not in str(error):
                self._write_stamp(before)
            raise
        self._pip_install("--no-deps", "--no-build-isolation", "--editable=.")
        self._write_stamp(after)

    def _make(self) -> None:
        print("Making .venv again" if self.folder.exists() else "Making .venv", flush=True)
        # In two steps, because venv hides the output of ensurepip.
        run_command(
            sys.executable, "-I", "-m", "venv", "--clear", "--without-pip", str(self.folder)
        )
        run_command(str(self.python), "-I", "-m", "ensurepip", "--default-pip")

    def _pip_install(self, *arguments: str) -> None:
        # --no-user: the user's own pip configuration may set --user, which fails in a venv.
        options = ("--no-user", "--no-input", "--disable-pip-version-check", "--progress-bar=off")
        command = (str(self.python), "-I", "-m", "pip", "install", *options, *arguments)
        run_command(*command, folder=self.root)

    def _write_stamp(self, digests: dict[str, str]) -> None:
        new = self.folder / "installed.new"
        new.write_text("\n".join([self.origin, *(f"{k} {digests[k]}" for k in digests)]))
        new.replace(self.stamp)


def run_command(*command: str, folder: Path | None = None) -> None:
    """Run a command and show its progress.

    Args:
        command: the program and its arguments.
        folder: where it runs.

    Raises:
        InstallError: it has failed.
    """
    output = []
    with subprocess.Popen(
        command,
        cwd=folder,
        # With PYTHONPATH pip would find packages that are not in the venv.
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        close_fds=False,  # the command keeps the lock
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            show_progress(line)
            if not PIP_PROGRESS.match(line):
                output.append(line)
    if process.returncode:
        raise InstallError("".join(output))


def show_progress(line: str) -> None:
    """Show a line of pip's output, on a terminal also the package that is downloaded."""
    clear = "\r\033[K" if sys.stdout.isatty() else ""
    if line.startswith("Collecting ") and clear:
        print(f"{clear}  {line.split()[1]}", end="", flush=True)
    elif line.startswith("Installing collected packages: "):
        print(clear + shorten(line, 78, placeholder=" …"), flush=True)


def main(root: Path, kind: str) -> None:
    """Install one kind of packages, unless it is up to date; exit with a message on failure."""
    venv = Venv(root)
    try:
        if venv.is_up_to_date(kind):
            return
        missing = find_missing_modules()
        if missing:
            sys.exit("\n  ".join([f"This Python ({sys.executable}) lacks:", *missing]))
        with venv.lock():
            if not venv.is_up_to_date(kind):
                venv.install(kind)
    except (InstallError, OSError) as error:
        sys.exit(f"\n{error}\n{find_advice(str(error))}")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. Run it again to continue.")


if __name__ == "__main__":
    main(Path(__file__).resolve().parent.parent, "dev" if "dev" in sys.argv[1:] else "run")
