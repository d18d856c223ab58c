"""Mutation testing of `domain/`: `make mutants`, or of some files: `ARGS=domain/phone.py`.

It works in a temporary folder. It succeeds when every mutant is killed or accepted in
`accepted.toml`, and every entry there still matches a mutant that is not killed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.mutants.accepted import FILE, find_outdated, find_unaccepted, read_accepted
from tests.mutants.generate import generate_mutants
from tests.mutants.mutant import Mutant, MutantStatus, module_of
from tests.mutants.mutant_run import (
    CONSTANTS_FILE,
    FUNCTIONS_FILE,
    read_statuses,
    write_mutants,
)

ROOT: Final = Path(__file__).parents[2]
TESTS: Final = ("tests/unit/domain", "tests/unit/application")
COPIED_FOLDERS: Final = ("domain", "application", "adapters", "entrypoints", "tests", "docs")
PLUGINS: Final = {
    FUNCTIONS_FILE: "tests.mutants.function_mutants",
    CONSTANTS_FILE: "tests.mutants.constant_mutants",
}
# One process, tests in file order, short failures.
PYTEST: Final = (
    *(sys.executable, "-m", "pytest"),
    *("-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:cov"),
    *("--capture=no", "--tb=line", "--quiet", "--hypothesis-profile=mutants", "--timeout=0"),
)


def main(paths: Sequence[str]) -> int:
    """Run the tests with all mutants and return the exit code."""
    paths = paths or sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("domain/**/*.py"))
    with tempfile.TemporaryDirectory(prefix="dialtone-mutants-") as folder:
        statuses = _run_mutants(Path(folder), paths)
    _print_table(statuses)
    alive = {
        mutant: status for mutant, status in statuses.items() if status is not MutantStatus.KILLED
    }
    modules = tuple(f"{module_of(path)}." for path in paths)
    accepted = [
        entry for entry in read_accepted(FILE.read_text()) if f"{entry.place}.".startswith(modules)
    ]
    unaccepted, outdated = find_unaccepted(alive, accepted), find_outdated(list(alive), accepted)
    for mutant in unaccepted:
        print(f"\n{alive[mutant].capitalize()}: {mutant}")
    for entry in outdated:
        print(f"\nOutdated entry: {entry}")
    print(
        f"\n{len(statuses)} mutants: {len(statuses) - len(alive)} killed, "
        f"{len(alive) - len(unaccepted)} accepted, {len(unaccepted)} to kill or to accept in "
        f"{FILE.relative_to(ROOT)}. Outdated entries: {len(outdated)}."
    )
    return 1 if unaccepted or outdated else 0


def _run_mutants(folder: Path, paths: Iterable[str]) -> dict[Mutant, MutantStatus]:
    for name in COPIED_FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    mutants = [mutant for path in paths for mutant in generate_mutants(ROOT, path, folder)]
    # The folder is temporary, so bytecode in it is no litter.
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    for file, plugin in PLUGINS.items():
        is_constant = file is CONSTANTS_FILE
        selected = [mutant for mutant in mutants if mutant.is_constant == is_constant]
        write_mutants(folder / file, dict.fromkeys(selected))
        command = [*PYTEST, "-p", plugin, *TESTS]
        if subprocess.run(command, cwd=folder, env=environ, check=False).returncode:
            sys.exit("Some tests fail without mutants. Fix them first.")
    statuses = {
        **read_statuses(folder / FUNCTIONS_FILE),
        **read_statuses(folder / CONSTANTS_FILE),
    }
    return {mutant: statuses[mutant] for mutant in mutants}


def _print_table(statuses: Mapping[Mutant, MutantStatus]) -> None:
    print(f"\n{'':40}" + "".join(f"{status:>12}" for status in MutantStatus))
    for path in dict.fromkeys(mutant.path for mutant in statuses):
        counts = Counter(status for mutant, status in statuses.items() if mutant.path == path)
        print(f"{path:40}" + "".join(f"{counts[status] or '':>12}" for status in MutantStatus))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
