"""The part of the build that pyproject.toml cannot declare: sdist and wheel name their commit."""

import sys
from pathlib import Path
from typing import Any

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from entrypoints.version.commit import COMMIT_FILE, UNKNOWN, find_commit  # noqa: E402


def write_commit(folder: Path) -> None:
    """Write the file, if the commit is known. A wheel is built from an sdist, which has it."""
    file = folder / COMMIT_FILE
    if not file.exists() and (commit := find_commit(ROOT)) != UNKNOWN:
        file.write_text(f"{commit}\n", encoding="ascii")


class BuildWithCommit(build_py):
    """Write it beside the built modules. An editable installation reads git itself."""

    def run(self) -> None:
        """Build the modules."""
        super().run()
        if not self.editable_mode:
            write_commit(Path(self.build_lib))


class SdistWithCommit(sdist):
    """Write it into the sdist."""

    def make_release_tree(self, base_dir: str, files: Any) -> None:
        """Make the folder that is packed."""
        super().make_release_tree(base_dir, files)
        write_commit(Path(base_dir))


setup(cmdclass={"build_py": BuildWithCommit, "sdist": SdistWithCommit})
