"""The documentation as a site, built as `make docs` does."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.markdown import PROJECT


def build_docs_site(folder: Path, node_modules: Path) -> Path:
    """Return the folder of a new site.

    Args:
        folder: Where the site is written.
        node_modules: The folder with the packages of npm; it may be missing.
    """
    environ = {
        **os.environ,
        "DOCS_NODE_MODULES": str(node_modules),
        # It ends an advertisement of the theme.
        "NO_MKDOCS_2_WARNING": "1",
    }
    site = folder / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    build = subprocess.run(
        command, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False
    )
    assert build.returncode == 0, build.stderr
    return site
