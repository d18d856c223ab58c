"""The core imports no optional feature, and a feature only those that it needs.

A file belongs to the features in whose `folders` it lies, and a module of `entrypoints.features` to
the one of its name. All other files are the core.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
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
INSIDES: Final = ("entrypoints.http.", "entrypoints.commands.")
"""What not even a feature imports of one that it needs. It imports use cases, ports and entities;
what opens it, also settings and adapters."""

Imports = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class Ownership:
    """Which modules belong to which features, and which features each of them needs."""

    folders: Mapping[str, Collection[str]]
    needs: Mapping[str, Collection[str]]

    def find_owners(self, module: str) -> frozenset[str]:
        """Return the names of the features that a module belongs to: none of the core's."""
        return frozenset(
            name
            for name, folders in self.folders.items()
            for folder in (*folders, f"{LIST}.{name}")
            if module == folder or module.startswith(f"{folder}.")
        )

    def is_allowed(self, importer: str, imported: str) -> bool:
        """Return whether a module may import another one."""
        owners, owners_of_imported = self.find_owners(importer), self.find_owners(imported)
        if importer == LIST or owners_of_imported <= owners:
            return True
        needed = owners.union(*(self.needs[owner] for owner in owners))
        return owners_of_imported <= needed and not imported.startswith(INSIDES)

    def find_forbidden(self, imports: Imports) -> list[str]:
        """Return each import that is not allowed."""
        return [
            f"{importer} imports {each}"
            for importer, imported in sorted(imports.items())
            for each in sorted(imported)
            if not self.is_allowed(importer, each)
        ]

    def find_unowned(self, importers: Imports) -> Iterator[str]:
        """Yield the modules of the core that only the files of one feature import."""
        for module, names in sorted(importers.items()):
            owners = [self.find_owners(name) for name in names]
            only = owners[0].intersection(*owners) if owners else frozenset[str]()
            if only and not self.find_owners(module):
                yield f"{module} belongs to {', '.join(sorted(only))}"


OWNERSHIP: Final = Ownership(
    {
        feature.name: [folder.removesuffix(".py").replace("/", ".") for folder in feature.folders]
        for feature in FEATURES
    },
    {feature.name: feature.needs for feature in FEATURES},
)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def test_a_wrong_import_is_found() -> None:
    ownership = Ownership(
        {
            "maps": ["application.maps", "adapters.maps", "entrypoints.http.maps"],
            "routes": ["application.routes", "entrypoints.commands.routes"],
        },
        {"maps": (), "routes": ("maps",)},
    )
    wrong = {
        "application.use_cases": ["application.maps.feature"],
        "application.maps.feature": ["application.routes.feature"],
        "entrypoints.bootstrap": ["entrypoints.features.maps"],
        "entrypoints.commands.routes.show": ["entrypoints.http.maps.controller"],
    }
    assert len(ownership.find_forbidden(wrong)) == len(wrong)
    right = {
        LIST: ["entrypoints.features.maps"],
        "application.routes.feature": ["application.maps.feature", "application.use_cases"],
        "entrypoints.features.maps": ["adapters.maps.files"],
    }
    assert ownership.find_forbidden(right) == []
    unowned = {"adapters.files": ["adapters.maps.files"], "adapters.http": ["adapters.maps", "a"]}
    assert [*ownership.find_unowned(unowned)] == ["adapters.files belongs to maps"]


def test_the_core_imports_no_feature_and_a_feature_those_it_needs(
    graph: grimp.ImportGraph,
) -> None:
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert "entrypoints.features.feature" in imports[LIST]
    assert OWNERSHIP.find_forbidden(imports) == []


def test_a_file_that_only_one_feature_uses_belongs_to_it(graph: grimp.ImportGraph) -> None:
    importers = {name: graph.find_modules_that_directly_import(name) for name in graph.modules}
    assert [*OWNERSHIP.find_unowned(importers)] == []


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_feature_has_the_folders_that_it_names(feature: Feature) -> None:
    assert [each for each in feature.folders if not (PROJECT / each).exists()] == []
    before = [each.name for each in FEATURES[: FEATURES.index(feature)]]
    assert [each for each in feature.needs if each not in before] == []
