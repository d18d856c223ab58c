"""The documentation as a site works on a phone and a large screen."""

import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler
from typing import Any

import pytest

from tests.browser.chromium import WAIT, Chromium
from tests.browser.looks import show
from tests.support.markdown import PROJECT
from tests.support.npm_packages import install_npm_packages
from tests.support.servers.http_server import LocalServer
from tests.support.servers.process import ServerUnavailable

# Installing Chromium and npm may take minutes.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def docs_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the site, as `make docs` builds it."""
    try:
        modules = install_npm_packages(PROJECT / "tests/docs_site/npm")
    except ServerUnavailable as error:
        pytest.fail(f"These tests need npm packages. {error}", pytrace=False)
    site = tmp_path_factory.mktemp("docs") / "site"
    # The second variable ends an advertisement of the theme.
    environ = {"DOCS_NODE_MODULES": str(modules), "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    subprocess.run(command, cwd=PROJECT, env={**os.environ, **environ}, check=True)

    class Files(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(site))

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 -- its name there
            """Print nothing."""

    with LocalServer(Files) as server:
        yield server.url


def test_pages_fit_on_a_phone_load_nothing_from_other_hosts_and_have_drawn_diagrams(
    chromium: Chromium, docs_url: str
) -> None:
    with chromium.page("about:blank", is_private=True) as page:
        show(page, 390, "light")
        for path in ("", "limits/", "settings/", "architecture/"):
            page.open(f"{docs_url}/{path}")
            assert page.run("return document.documentElement.scrollWidth;") == 390
            entries = "performance.getEntriesByType('resource').map(({name}) => name)"
            loaded = page.run(f"return {entries};")
            assert [url for url in loaded if not url.startswith(docs_url)] == []
        # The theme replaces the text of a diagram by an element with the drawing.
        drawn = page.run(
            f"{WAIT} await wait(() => document.querySelectorAll('div.mermaid').length === 1);"
            "return [...document.querySelectorAll('div.mermaid')].map(drawn => drawn.offsetHeight);"
        )
    assert all(height > 50 for height in drawn)
