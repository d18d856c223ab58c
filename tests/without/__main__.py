"""Prove that a feature can be taken out: `make test-without FEATURE=voice`.

A copy of the tree, without the feature and without its tests, has to be complete: types are right,
the service starts, what is left of the walk through the API passes, and neither help nor settings
nor description say anything of it.

The copy has a venv of its own, with the packages of this one, so that nothing is imported from
here.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.tooling.changed_tests import choose_tests
from tests.without.deletion import (
    FEATURES_MODULE,
    CannotDelete,
    Deletion,
    delete,
    find_features,
    plan,
)
from tests.without.traces import Surface, find_traces

ROOT: Final = Path(__file__).parents[2]
_DOCUMENTATION: Final = (
    "tests/unit/test_documentation.py",
    "tests/unit/test_limits_page.py",
    "tests/unit/test_retention.py",
    "tests/unit/adapters/operations/metrics/test_documented_metrics.py",
)
"""Tests that compare pages with the whole program. Pages are about all features."""
_SCRIPT: Final = (
    "#!{python}\nimport sys\nfrom entrypoints.commands.cli import main\nsys.exit(main())\n"
)


class ProofFailed(Exception):
    """A part of the proof failed. Its output is printed already, or it is the message."""


def main(names: Sequence[str]) -> int:
    """Run the proof for these features together, and return the exit code."""
    try:
        features = find_features(names)
        files = _list_files()
        deletion = plan(ROOT, files, features)
    except CannotDelete as error:
        sys.stderr.write(f"{error}\n")
        return 2
    _print_deletion(names, deletion)
    folder = Path(tempfile.mkdtemp(prefix="dialtone-without-"))
    copy = Copy(folder / "tree")
    failed: list[str] = []
    try:
        copy.create(files, deletion)
        for title, step in copy.steps(deletion):
            with _timed(title):
                try:
                    step()
                except ProofFailed as error:
                    failed.append(title)
                    sys.stdout.write(f"{error}\n")
    except CannotDelete as error:
        sys.stderr.write(f"{error}\n")
        return 2
    finally:
        if not failed:
            shutil.rmtree(folder)
    if failed:
        sys.stdout.write(f"\nFailed: {', '.join(failed)}. The copy is {copy.root}.\n")
        return 1
    sys.stdout.write(f"\nComplete without {', '.join(sorted(features))}.\n")
    return 0


class Copy:
    """A copy of the tree without features, and its venv."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._bin = root / ".venv/bin"
        self._python = str(self._bin / "python")

    def create(self, files: Sequence[str], deletion: Deletion) -> None:
        """Copy the files, and delete what is not to be there."""
        for file in files:
            target = self.root / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, target)
        delete(self.root, files, deletion)
        if (cache := ROOT / ".mypy_cache").exists():
            shutil.copytree(cache, self.root / ".mypy_cache")
        self._create_venv()

    def _create_venv(self) -> None:
        """Create a venv that finds the packages of this one, and this project in the copy only.

        Files that end with .pth have no effect in a folder that another one names. So the editable
        installation, which finds this project here, has none.
        """
        venv.create(self.root / ".venv", symlinks=True)
        (packages,) = (self.root / ".venv/lib").glob("python*/site-packages")
        installed = next(path for path in sys.path if path.endswith("site-packages"))
        (packages / "copy.pth").write_text(f"{self.root}\n{installed}\n", "utf-8")
        script = self._bin / "dialtone"
        script.write_text(_SCRIPT.format(python=self._python), "utf-8")
        script.chmod(0o755)

    def steps(self, deletion: Deletion) -> Iterator[tuple[str, Callable[[], object]]]:
        """Yield the parts of the proof, each with what it is called."""
        yield "own modules", self._check_modules
        yield "types", lambda: self._run(self._python, "-m", "mypy")
        yield "traces", lambda: self._check_traces(deletion)
        # Databases are the same without a feature.
        on_sqlite = "not on_mongo and not on_postgres"
        yield "walk", lambda: self._test("tests/walk", "-k", on_sqlite)
        yield "unit tests", self._test_units

    def _check_modules(self) -> None:
        """Check that a module is found in the copy only, and one that is deleted nowhere."""
        code = "import entrypoints; print(entrypoints.__file__)"
        found = self._run(self._python, "-c", code, is_shown=False)
        if not found.startswith(str(self.root)):
            raise ProofFailed(f"Python finds {found}, and not the copy.")

    def _check_traces(self, deletion: Deletion) -> None:
        printed = self._run(self._python, "-m", "tests.without.surface", is_shown=False)
        settings = self._run(
            self._python, "-m", "entrypoints.composition.env_example", is_shown=False
        )
        (self.root / ".env.example").write_text(settings, "utf-8")
        surface = Surface(**json.loads(printed), settings=settings)
        if traces := [*find_traces(surface, deletion.features)]:
            raise ProofFailed("\n".join(traces))

    def _test(self, *arguments: str) -> None:
        self._run(self._python, "-m", "pytest", "-q", "-n", "2", "-p", "no:randomly", *arguments)

    def _test_units(self) -> None:
        """Run the unit tests that import the list of features, directly or not.

        Nothing else that is left has changed, so `make test` has tried the others already.
        """
        chosen = [str(test) for test in choose_tests([Path(FEATURES_MODULE)])]
        left = [it for it in chosen if it not in _DOCUMENTATION and (self.root / it).exists()]
        self._test("-m", "not hypothesis and not slow", *left)

    def _run(self, *command: str, is_shown: bool = True) -> str:
        """Run a command in the copy, and return what it prints.

        Raises:
            ProofFailed
        """
        ended = subprocess.run(
            command, cwd=self.root, env=_environ(), capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise ProofFailed(f"{ended.stdout}{ended.stderr}")
        if is_shown:
            sys.stdout.write("".join(f"  {line}\n" for line in ended.stdout.splitlines()[-1:]))
        return ended.stdout


@contextmanager
def _timed(title: str) -> Iterator[None]:
    started_at = time.monotonic()
    sys.stdout.write(f"== {title}\n")
    sys.stdout.flush()
    yield
    sys.stdout.write(f"  {time.monotonic() - started_at:.0f} s\n")


def _environ() -> dict[str, str]:
    """Return the environment without what changes where Python finds modules."""
    names = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in names if name in os.environ}


def _list_files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [file for file in listed.stdout.split("\0") if file and (ROOT / file).is_file()]


def _print_deletion(names: Sequence[str], deletion: Deletion) -> None:
    for name in sorted(deletion.features):
        needed = "" if name in names or "all" in names else ", which needs one of the others"
        sys.stdout.write(f"without {name}{needed}\n")
    folders = sorted({str(Path(file).parent) for file in deletion.files})
    sys.stdout.write("".join(f"  {folder}\n" for folder in folders))
    sys.stdout.write(f"tests and their support: {len(deletion.tests)} files\n")
    sys.stdout.write("".join(f"  {it}: {reason}\n" for it, reason in deletion.tests.items()))


if __name__ == "__main__":
    arguments = " ".join(sys.argv[1:]).replace(",", " ").split()
    sys.exit(main(arguments))
