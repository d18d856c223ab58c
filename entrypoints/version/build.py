"""Steps of the build that pyproject.toml names: sdist and wheel get a file with their commit.

setuptools loads this file before the project can be imported.
"""

import sys
from pathlib import Path

from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from entrypoints.version.commit import COMMIT_FILE, UNKNOWN, find_commit


def write_commit(folder: Path) -> None:
    """Write the file, if the commit is known. A wheel is built from an sdist, which has it."""
    file = folder / COMMIT_FILE
    if not file.exists() and (commit := find_commit()) != UNKNOWN:
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

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        """Make the folder that is packed."""
        super().make_release_tree(base_dir, files)
        write_commit(Path(base_dir))
