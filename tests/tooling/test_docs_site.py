"""The documentation as a site: it loads nothing from other hosts."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.support.docs_site import build_docs_site

pytestmark = pytest.mark.slow

_IN_HTML: Final = re.compile(
    r"""<(?:audio|embed|iframe|img|link|object|script|source|use|video)\b[^>]*"""
    r"""\b(?:src|href|data)=["']?((?:https?:)?//[^"'>\s]+)"""
)
"""What makes a browser load something from another host."""
_IN_CSS: Final = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s]+)""")
_IN_SCRIPT: Final = re.compile(r"""["'`](?:https?:)?//(?:unpkg\.com|[^"'`\s]+\.m?js)\b""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, str]:
    """The files of the site without npm, as where that is missing."""
    folder = tmp_path_factory.mktemp("docs")
    site = build_docs_site(folder, folder / "none")
    return {
        file.relative_to(site): file.read_text(encoding="utf-8")
        for file in site.rglob("*")
        if file.suffix in (".html", ".css", ".js")
    }


def test_no_page_style_sheet_or_script_loads_from_other_hosts(site: dict[Path, str]) -> None:
    patterns = {".html": (_IN_HTML, _IN_CSS), ".css": (_IN_CSS,), ".js": (_IN_SCRIPT,)}
    assert {file.suffix for file in site} == {*patterns}
    for file, text in site.items():
        assert [pattern.findall(text) for pattern in patterns[file.suffix]] == [[]] * len(
            patterns[file.suffix]
        ), file
