"""What mkdocs.yml takes from outside `docs/`: pages, the API, and the program that draws diagrams.

https://www.mkdocs.org/user-guide/configuration/#hooks
"""

import json
import posixpath
import re
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

PROJECT: Final = Path(__file__).parents[2]
ROOT_PAGES: Final = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
SETTINGS_PAGE: Final = "settings.md"
MERMAID: Final = "@mermaid-js/tiny/dist/mermaid.tiny.js"
MERMAID_IN_SITE: Final = "javascripts/mermaid.js"
_THEME_SCRIPT: Final = "assets/javascripts/bundle."
_OTHER_HOST: Final = "https://unpkg.com/"
_OTHER_NAMES: Final = {".env.example": SETTINGS_PAGE, "LICENSE": "LICENSE.txt"}
_LINK: Final = re.compile(r"(?<=\]\()([^)#:\s]+)")
_log = get_plugin_logger("dialtone")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Show diagrams as text if npm has not installed the program that draws them.

    The theme would load it from another host.
    """
    if not _mermaid(config).exists():
        config.mdx_configs["pymdownx.superfences"]["custom_fences"] = []
        _log.info("Diagrams are shown as text: npm has not installed mermaid.")
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages and files that are not in `docs/`.

    The script of the theme loses the host from which it would load scripts that are missing.
    """
    for file in files:
        if file.src_uri.startswith(_THEME_SCRIPT) and file.src_uri.endswith(".js"):
            file.content_string = file.content_string.replace(_OTHER_HOST, "")
    for file in _added_files(config):
        files.append(file)
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to where the site has the files, and list all settings in their page."""
    path = page.file.src_uri
    if path.startswith("decisions/"):
        # These have most words of the guides. The search shows the guides first.
        page.meta["search"] = {"boost": 0.1}
    linked = _LINK.sub(lambda match: _relink(match[0], path), markdown)
    return f"{linked}\n{_render_settings()}" if path == SETTINGS_PAGE else linked


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Load the program that draws diagrams in the pages that have one: it is large."""
    program = files.get_file_from_path(MERMAID_IN_SITE)
    if program is None or 'class="mermaid"' not in html:
        return html
    return f'{html}<script src="{program.url_relative_to(page.file)}"></script>'


def _mermaid(config: MkDocsConfig) -> Path:
    return PROJECT / str(config.extra["node_modules"]) / MERMAID


def _added_files(config: MkDocsConfig) -> Iterator[File]:
    for name in ROOT_PAGES:
        yield _file(config, name, path=PROJECT / name)
    yield _file(config, "LICENSE.txt", path=PROJECT / "LICENSE")
    if _mermaid(config).exists():
        yield _file(config, MERMAID_IN_SITE, path=_mermaid(config))
    swagger_ui = distribution("swagger-ui-py").locate_file("swagger_ui/static")
    for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
        yield _file(config, f"reference/{name}", path=Path(str(swagger_ui)) / name)
    yield _file(config, "reference/page.css", path=PROJECT / "entrypoints/http/openapi/page.css")
    yield _file(config, "reference/index.html", path=Path(__file__).with_name("reference.html"))
    description = json.dumps(_read_description())
    yield _file(config, "reference/description.js", content=f"const description = {description};")


def _file(
    config: MkDocsConfig, name: str, *, content: str | None = None, path: Path | None = None
) -> File:
    included = InclusionLevel.INCLUDED
    if path is None:
        return File.generated(config, name, content=content or "", inclusion=included)
    return File.generated(config, name, abs_src_path=str(path), inclusion=included)


def _relink(link: str, path: str) -> str:
    """Return a link of a page as one between the files of the site."""
    folder = "" if path in ROOT_PAGES else posixpath.join("docs", posixpath.dirname(path))
    target = posixpath.normpath(posixpath.join(folder, link))
    name = _OTHER_NAMES.get(target, target.removeprefix("docs/"))
    return posixpath.relpath(name, posixpath.dirname(path) or ".")


def _render_settings() -> str:
    settings = (PROJECT / ".env.example").read_text(encoding="utf-8")
    return (
        "## All settings\n\nThis is `.env.example`, with the default of each.\n\n"
        f"```ini\n{settings}```\n"
    )


def _read_description() -> dict[str, Any]:
    text = (PROJECT / "docs/openapi.json").read_text(encoding="utf-8")
    description: dict[str, Any] = json.loads(text)
    return description
