"""The documentation names files, settings, make targets and code that exist."""

import re
import tomllib
from pathlib import Path
from typing import Final, get_type_hints

from adapters.records.database import Database
from entrypoints.settings.composition import FILE_VARIABLES, VARIABLES

PROJECT: Final = Path(__file__).parents[2]
PAGES: Final = {
    page: page.read_text(encoding="utf-8")
    for page in [*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").rglob("*.md"))]
}
LAYERS: Final = ("domain", "application", "adapters", "entrypoints")
TEST_VARIABLES: Final = {
    "DIALTONE_TEST_MONGO_URL",
    "DIALTONE_TEST_POSTGRES_URL",
    "DIALTONE_TEST_PLACE",
    "DIALTONE_TEST_S3_ENDPOINT",
}
OF_OTHER_PROGRAMS: Final = {
    "TWILIO_PHONE_NUMBER",  # hookaba-backend
    # botocore reads these.
    "AWS_DEFAULT_REGION",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
}
_LINK: Final = re.compile(r"\]\(([^)#:\s]+)(?:#[^)\s]*)?\)")
_LINK_TO_HEADING: Final = re.compile(r"\]\(([^)#:\s]*)#([^)\s]+)\)")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PATH: Final = re.compile(
    r"`((?:domain|application|adapters|entrypoints|pytest_dialtone|tests|docs)/[\w./]+)`"
)
_PAGE: Final = re.compile(r"\bdocs/[\w/-]+\.md\b")
_DIAGRAM: Final = re.compile(r"^```mermaid\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PATH_IN_DIAGRAM: Final = re.compile(r"\b(?:domain|application|adapters|entrypoints)/[\w./]*\w")
_NAME_IN_DIAGRAM: Final = re.compile(r"\b[A-Z]\w*[a-z][A-Z]\w*|\b[a-z_]+\.[a-z_]+(?=\()")
_VARIABLE: Final = re.compile(r"\b(?:DIALTONE|TWILIO|AWS)_[A-Z0-9_]*[A-Z0-9]\b(?!_)")
_METRIC: Final = re.compile(r"\bdialtone_[a-z_]+[a-z]")
_NO_METRICS: Final = {"dialtone_console", "dialtone_known", "dialtone_server"}
"""Two cookies and a wheel, whose names look like those of metrics."""
_MAKE_TARGET: Final = re.compile(r"(?:^|`)make ([a-z-]+)", re.MULTILINE)


def test_links_lead_to_files_and_headings() -> None:
    links = [(page, link) for page, text in PAGES.items() for link in _LINK.findall(text)]
    to_headings = [
        ((page.parent / link).resolve() if link else page, heading)
        for page, text in PAGES.items()
        for link, heading in _LINK_TO_HEADING.findall(text)
    ]

    assert links
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []
    assert to_headings
    assert [(page.name, name) for page, name in to_headings if name not in _headings(page)] == []


def test_named_files_and_settings_exist() -> None:
    paths = [(page.name, path) for page, text in PAGES.items() for path in _PATH.findall(text)]
    variables = {
        name
        for page, text in PAGES.items()
        if page.name != "CHANGELOG.md"  # it also names what is gone
        for name in _VARIABLE.findall(text)
    }

    assert paths
    assert [(page, path) for page, path in paths if not (PROJECT / path).exists()] == []
    assert variables
    assert variables >= OF_OTHER_PROGRAMS
    assert variables - set(VARIABLES) - TEST_VARIABLES - OF_OTHER_PROGRAMS == set()


def test_secrets_that_may_be_files_are_listed() -> None:
    page = PAGES[PROJECT / "docs/secrets.md"]
    rows = re.findall(r"^\| (`\w+_FILE`.*?) \|", page, re.MULTILINE)

    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(listed) == sorted(FILE_VARIABLES.values())


def test_code_and_samples_name_pages_that_exist() -> None:
    files = [
        *(PROJECT / name for name in ("Makefile", "compose.yaml", ".env.example", "Dockerfile")),
        *(file for layer in LAYERS for file in (PROJECT / layer).rglob("*.*")),
    ]
    named = {
        (str(file.relative_to(PROJECT)), page)
        for file in files
        if file.suffix in {"", ".py", ".toml", ".html", ".js", ".yaml", ".example"}
        for page in _PAGE.findall(file.read_text(encoding="utf-8"))
    }

    assert named
    assert [(file, page) for file, page in sorted(named) if not (PROJECT / page).exists()] == []


def test_a_database_adapter_has_the_ports_and_methods_that_are_listed() -> None:
    ports = get_type_hints(Database)
    methods = {
        name: [method for method in dir(port) if not method.startswith("_")]
        for name, port in ports.items()
    }
    page = PAGES[PROJECT / "docs/database_adapters.md"].partition("## A database")[2]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE)

    listed = {name: re.findall(r"`(\w+)`", cell) for name, cell in rows}
    assert {name: sorted(cell) for name, cell in listed.items()} == {
        name: sorted(names) for name, names in methods.items()
    }


def test_named_make_targets_exist() -> None:
    targets = {name for text in PAGES.values() for name in _MAKE_TARGET.findall(text)}
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")

    assert targets
    assert targets - set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)) == set()


def test_named_metrics_exist() -> None:
    # A test of the metrics compares this page with the code.
    listed = re.findall(r"^\| `(dialtone_\w+)`", PAGES[PROJECT / "docs/metrics.md"], re.MULTILINE)
    named = {name for text in PAGES.values() for name in _METRIC.findall(text)}

    assert listed
    assert named - set(listed) == _NO_METRICS


def test_diagrams_name_code_that_exists() -> None:
    diagrams = "".join(_DIAGRAM.findall(PAGES[PROJECT / "docs/architecture.md"]))
    paths = set(_PATH_IN_DIAGRAM.findall(diagrams))
    names = set(_NAME_IN_DIAGRAM.findall(diagrams))
    files = (file for layer in LAYERS for file in (PROJECT / layer).rglob("*.py"))
    code = "".join(file.read_text(encoding="utf-8") for file in files)

    assert paths
    assert {path for path in paths if not (PROJECT / path).exists()} == set()
    assert names
    assert {name for name in names if not re.search(rf"\b{re.escape(name)}\b", code)} == set()


def test_the_index_lists_every_decision_and_the_changelog_the_version() -> None:
    folder = PROJECT / "docs/decisions"
    records = sorted(record.name for record in folder.glob("[0-9]*.md"))
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert sorted(_LINK.findall(PAGES[folder / "README.md"])) == records
    assert len({name[:4] for name in records}) == len(records)
    assert re.search(rf"\b{re.escape(project['version'])}\b", PAGES[PROJECT / "CHANGELOG.md"])


def _headings(page: Path) -> set[str]:
    """Return the names by which GitHub links to the headings of a page."""
    headings = _HEADING.findall(PAGES[page])
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}
