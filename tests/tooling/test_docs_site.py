"""The documentation as a site: it is complete, and loads nothing from other hosts."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest

from entrypoints.settings.composition import FIELDS
from tests.support.docs_site import PROJECT, build_docs_site

_LOADED: Final = {
    "audio": "src", "embed": "src", "iframe": "src", "img": "src", "link": "href",
    "object": "data", "script": "src", "source": "src", "use": "href", "video": "src",
}  # fmt: skip
"""The attribute of each element that makes a browser load something."""
_IN_CSS: Final = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s]+)""")
_SCRIPT: Final = re.compile(r"""["'`](?:https?:)?//(?:unpkg\.com|[^"'`\s]+\.m?js)\b""")
_STYLE: Final = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


class Loads(HTMLParser):
    """What a page loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the URL of an element that loads one."""
        self.urls += [value for name, value in attrs if name == _LOADED.get(tag) and value]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site without npm, as where that is missing."""
    folder = tmp_path_factory.mktemp("docs")
    return build_docs_site(folder, folder / "none")


def pages(site: Path) -> Iterator[tuple[Path, str]]:
    for page in sorted(site.rglob("*.html")):
        yield page.relative_to(site), page.read_text(encoding="utf-8")


def test_no_page_style_sheet_or_script_loads_from_other_hosts(site: Path) -> None:
    loaded = [(page, url) for page, text in pages(site) for url in Loads(text).urls]
    styles = [(page, style) for page, text in pages(site) for style in _STYLE.findall(text)]
    styles += [(file, file.read_text(encoding="utf-8")) for file in site.rglob("*.css")]

    assert loaded
    assert [found for found in loaded if re.match(r"(?:https?:)?//", found[1])] == []
    scripts = {file.name: file.read_text(encoding="utf-8") for file in site.rglob("*.js")}

    assert styles
    assert [(file, url) for file, text in styles for url in _IN_CSS.findall(text)] == []
    assert scripts
    assert {name: found for name, text in scripts.items() if (found := _SCRIPT.findall(text))} == {}


def test_without_mermaid_diagrams_stay_text_and_the_theme_loads_nothing(site: Path) -> None:
    assert [page for page, text in pages(site) if re.search(r'class="[^"]*mermaid', text)] == []
    assert "flowchart TD" in (site / "call_flow/index.html").read_text(encoding="utf-8")


def test_the_site_has_every_page_setting_and_path_of_the_api(site: Path) -> None:
    texts = {page.parent.as_posix(): text for page, text in pages(site)}
    sources = [
        *(page.stem for page in PROJECT.glob("*.md")),
        *(
            page.relative_to(PROJECT / "docs").with_suffix("").as_posix()
            for page in (PROJECT / "docs").rglob("*.md")
        ),
    ]
    description = json.loads((PROJECT / "docs/openapi.json").read_text(encoding="utf-8"))

    # A README is the page of its folder.
    names = {re.sub(r"(^|/)README$", "", source) or "." for source in sources}
    assert names - texts.keys() == set()
    assert [path for path in description["paths"] if f" {path}<" not in texts["api"]] == []
    assert [name for name in FIELDS if name not in texts["settings"]] == []
