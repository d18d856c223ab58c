"""Run the unit tests of what changed, with these arguments of pytest: `make check-fast`.

A module is affected if one of these changed since the merge base with main, committed or not:

- the module, or one that it imports, directly or not;
- another file in its folder, or below it where no module is, like a template;
- a file that it names, or whose kind: `limits.md` or `*.md`.

The affected unit tests run, and those for which a `conftest.py` is affected. What configures all
tests chooses all of them.
"""

import re
import subprocess
import sys
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import grimp

PACKAGES: Final = ("entrypoints", "adapters", "application", "domain", "tests")
UNIT_TESTS: Final = Path("tests/unit")
CONFIGURATION: Final = {
    Path("pyproject.toml"),
    Path("requirements.lock"),
    Path("requirements-dev.lock"),
    Path("tests/conftest.py"),
}
_NO_TESTS_LEFT: Final = 5
"""The exit code of pytest where -m or -k leaves no test."""


def find_changed_files() -> set[Path]:
    """Return what differs from the merge base with main, and what git does not know yet."""
    bases = (_git("merge-base", "HEAD", main) for main in ("origin/main", "main", "HEAD"))
    base = next(filter(None, bases), None)
    if base is None:
        raise SystemExit("There is no git history that says what changed: run `make test-unit`.")
    changed = _git("diff", "--name-only", "--no-renames", "-z", base.strip())
    unknown = _git("ls-files", "--others", "--exclude-standard", "-z")
    return {Path(name) for name in (changed + unknown).split("\0") if name}


def choose_tests(changed: Collection[Path]) -> list[Path]:
    """Return the files of the unit tests that these changes may break."""
    tests = sorted(UNIT_TESTS.rglob("test_*.py"))
    if not CONFIGURATION.isdisjoint(changed):
        return tests
    graph = _build_graph()
    modules = {_to_module(file) for file in {*changed, *_beside(changed), *_naming(changed)}}
    modules &= graph.modules
    for module in [*modules]:
        modules |= graph.find_downstream_modules(module)
    folders = {test.parent for test in tests}
    shared = {folder for folder in folders if _to_module(folder / "conftest.py") in modules}
    return [
        test for test in tests if _to_module(test) in modules or not shared.isdisjoint(test.parents)
    ]


def _beside(changed: Collection[Path]) -> Iterator[Path]:
    for file in changed:
        if file.suffix != ".py" and file.parts[0] in PACKAGES:
            yield from next(filter(None, (list(folder.glob("*.py")) for folder in file.parents)))


def _naming(changed: Collection[Path]) -> Iterator[Path]:
    names = {file.name for file in changed if file.suffix != ".py"}
    names |= {f"*{Path(name).suffix}" for name in names if Path(name).suffix}
    if not names:
        return
    pattern = re.compile(rf'["/]({"|".join(map(re.escape, names))})"')
    for package in PACKAGES:
        for module in Path(package).rglob("*.py"):
            if pattern.search(module.read_text(encoding="utf-8")):
                yield module


@cache
def _build_graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def _to_module(file: Path) -> str:
    return ".".join(file.with_suffix("").parts).removesuffix(".__init__")


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False).stdout


if __name__ == "__main__":
    chosen = choose_tests(find_changed_files())
    sys.stdout.write(f"{len(chosen)} files of unit tests cover what changed since main.\n")
    sys.stdout.flush()
    pytest = [sys.executable, "-m", "pytest", *sys.argv[1:], *map(str, chosen)]
    code = subprocess.run(pytest, check=False).returncode if chosen else 0
    sys.exit(0 if code == _NO_TESTS_LEFT else code)
