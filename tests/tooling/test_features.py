"""The core imports no optional feature, and a feature only those that it needs.

A file belongs to the features in whose `folders` it lies, and their modules in
`entrypoints.features` to them. All other files are the core.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

import grimp
import pytest

from entrypoints.features import FEATURES
from entrypoints.features.feature import Feature

PROJECT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("domain", "application", "adapters", "entrypoints", "pytest_dialtone")
LIST: Final = "entrypoints.features"
"""The only module that names all features."""
NEEDS: Final = {feature.name: frozenset(feature.needs) for feature in FEATURES}
INSIDES: Final = ("entrypoints.http.", "entrypoints.commands.")
"""What not even a feature imports of one that it needs. It imports use cases, ports and entities;
its module, which opens it, also settings and adapters."""


def to_module(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


OWNED: Final = {
    feature.name: (*map(to_module, feature.folders), f"{LIST}.{feature.name}")
    for feature in FEATURES
}


def find_owners(module: str) -> frozenset[str]:
    """Return the names of the features that a module belongs to: none of the core's."""
    return frozenset(
        name
        for name, owned in OWNED.items()
        if any(module == each or module.startswith(f"{each}.") for each in owned)
    )


def is_allowed(importer: str, imported: str) -> bool:
    """Return whether a module may import another one."""
    owners, owners_of_imported = find_owners(importer), find_owners(imported)
    own_and_needed = owners.union(*(NEEDS[owner] for owner in owners))
    if importer == LIST or owners_of_imported <= owners:
        return True
    return owners_of_imported <= own_and_needed and not imported.startswith(INSIDES)


def find_forbidden(imports: Mapping[str, Collection[str]]) -> list[str]:
    """Return each import that is not allowed."""
    return [
        f"{importer} imports {each}"
        for importer, imported in sorted(imports.items())
        for each in sorted(imported)
        if not is_allowed(importer, each)
    ]


def find_unowned(importers: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Yield the modules of the core that only the files of one feature import."""
    for module, names in sorted(importers.items()):
        owners = [find_owners(name) for name in names]
        if owners and not find_owners(module) and (only := frozenset.intersection(*owners)):
            yield f"{module} belongs to {', '.join(sorted(only))}"


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def test_imports_of_the_core_and_of_others_are_found() -> None:
    forbidden = {
        "application.use_cases": ["application.media.feature"],
        "entrypoints.bootstrap": ["entrypoints.features.media"],
        "application.export.feature": ["application.media.feature"],
        "entrypoints.commands.imports.users": ["entrypoints.http.media.fields"],
    }
    assert len(find_forbidden(forbidden)) == len(forbidden)
    allowed = {
        LIST: ["entrypoints.features.media"],
        "application.imports.feature": ["application.media.feature", "application.use_cases"],
        "entrypoints.features.media": ["adapters.disk.files"],
    }
    assert find_forbidden(allowed) == []


def test_the_core_imports_no_feature_and_a_feature_those_it_needs(
    graph: grimp.ImportGraph,
) -> None:
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert "entrypoints.features.media" in imports[LIST]
    assert find_forbidden(imports) == []


def test_a_file_that_only_one_feature_uses_belongs_to_it(graph: grimp.ImportGraph) -> None:
    importers = {name: graph.find_modules_that_directly_import(name) for name in graph.modules}
    assert list(find_unowned(importers)) == []


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_feature_has_the_folders_that_it_names(feature: Feature) -> None:
    assert [each for each in feature.folders if not (PROJECT / each).exists()] == []
    names = [each.name for each in FEATURES]
    assert [each for each in feature.needs if each not in names[: names.index(feature.name)]] == []
