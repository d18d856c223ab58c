"""`make mutants`: change the code of `domain/` in every small way, and see the tests notice.

It works in a folder of its own and leaves nothing behind. ARGS may name files of `domain/`.

It succeeds when every mutant is killed or explained in `explained.toml`, and every explanation
there is still one of a mutant that is not killed.
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

from tests.mutants.explained import FILE, outdated, read_explanations, unexplained
from tests.mutants.hunt import CONSTANTS, FUNCTIONS, read_verdicts, write
from tests.mutants.made import write_mutants
from tests.mutants.mutant import Mutant, module_of
from tests.mutants.verdict import Verdict

ROOT: Final = Path(__file__).parents[2]
TESTS: Final = ("tests/unit/domain", "tests/unit/application")
COPIED: Final = ("domain", "application", "adapters", "entrypoints", "tests", "docs")
HUNTS: Final = {
    FUNCTIONS: "tests.mutants.hunt_functions",
    CONSTANTS: "tests.mutants.hunt_constants",
}
# A run of the tests in this process, in their written order, each mutant's failure short.
PYTEST: Final = (
    *(sys.executable, "-m", "pytest"),
    *("-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:cov"),
    *("--capture=no", "--tb=line", "--quiet", "--hypothesis-profile=mutants", "--timeout=0"),
)


def main(paths: Sequence[str]) -> int:
    paths = paths or sorted(str(one.relative_to(ROOT)) for one in ROOT.glob("domain/**/*.py"))
    with tempfile.TemporaryDirectory(prefix="dialtone-mutants-") as folder:
        verdicts = _hunted(Path(folder), paths)
    _print_table(verdicts)
    left = {one: verdict for one, verdict in verdicts.items() if verdict is not Verdict.KILLED}
    modules = tuple(f"{module_of(path)}." for path in paths)
    known = [
        one for one in read_explanations(FILE.read_text()) if f"{one.place}.".startswith(modules)
    ]
    open_ones, gone = unexplained(left, known), outdated(list(left), known)
    for mutant in open_ones:
        print(f"\n{left[mutant].capitalize()}: {mutant}")
    for explanation in gone:
        print(f"\nAn explanation of what is not there any more: {explanation}")
    print(
        f"\n{len(verdicts)} mutants, {len(verdicts) - len(left)} killed, "
        f"{len(left) - len(open_ones)} explained, {len(open_ones)} to be killed or explained in "
        f"{FILE.relative_to(ROOT)}; {len(gone)} explanations too many."
    )
    return 1 if open_ones or gone else 0


def _hunted(tree: Path, paths: Iterable[str]) -> dict[Mutant, Verdict]:
    for name in COPIED:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    mutants = [one for path in paths for one in write_mutants(ROOT, path, tree)]
    # The folder is for one run: whoever wants no bytecode written means other folders.
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    for file, plugin in HUNTS.items():
        of_file = [one for one in mutants if one.is_constant == (file is CONSTANTS)]
        write(tree / file, dict.fromkeys(of_file))
        run = subprocess.run([*PYTEST, "-p", plugin, *TESTS], cwd=tree, env=environ, check=False)
        if run.returncode:
            sys.exit("The tests have to pass before mutants can be told by them.")
    verdicts = {**read_verdicts(tree / FUNCTIONS), **read_verdicts(tree / CONSTANTS)}
    return {one: verdicts[one] for one in mutants}


def _print_table(verdicts: Mapping[Mutant, Verdict]) -> None:
    print(f"\n{'':40}" + "".join(f"{verdict:>12}" for verdict in Verdict))
    for path in dict.fromkeys(one.path for one in verdicts):
        counts = Counter(verdict for one, verdict in verdicts.items() if one.path == path)
        print(f"{path:40}" + "".join(f"{counts[verdict] or '':>12}" for verdict in Verdict))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
