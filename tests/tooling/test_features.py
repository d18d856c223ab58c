"""Features do not reach into each other, and their folders are complete.

`make check` has the contract for all imports.
"""

from collections.abc import Iterator
from typing import Final

import grimp
import pytest

from entrypoints.features import FEATURES
from entrypoints.features.feature import Feature
from tests.support.features_contract import LIST, OWNERSHIP, PROJECT, Imports, Ownership

PACKAGES: Final = ("domain", "application", "adapters", "entrypoints", "pytest_dialtone")
MAPS_AND_ROUTES: Final = Ownership(
    {
        "maps": ["application.maps", "adapters.maps", "entrypoints.http.maps"],
        "routes": ["application.routes", "entrypoints.commands.routes", "entrypoints.http.both"],
        "stops": ["entrypoints.http.both"],
    },
    {"maps": (), "routes": ("maps",), "stops": ()},
)


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("application.use_cases", "application.maps.feature"),
        ("application.maps.feature", "application.routes.feature"),
        ("entrypoints.bootstrap", "entrypoints.features.maps"),
        ("entrypoints.commands.routes.show", "entrypoints.http.maps.controller"),
    ],
)
def test_a_wrong_import_is_found(importer: str, imported: str) -> None:
    found = MAPS_AND_ROUTES.find_forbidden({importer: [imported]}, {})
    assert found == [f"{importer} imports {imported}"]


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        (LIST, "entrypoints.features.maps"),
        ("application.routes.feature", "application.maps.feature"),
        ("application.routes.feature", "application.use_cases"),
        ("entrypoints.features.maps", "adapters.maps.files"),
    ],
)
def test_a_right_import_is_allowed(importer: str, imported: str) -> None:
    assert MAPS_AND_ROUTES.find_forbidden({importer: [imported]}, {}) == []


def test_a_feature_loads_only_its_own_modules_by_their_names() -> None:
    both, other = "entrypoints.http.both.part", "application.maps.feature"
    names = {"entrypoints.features.stops": [both, other, "entrypoints.server.serve"]}
    found = MAPS_AND_ROUTES.find_forbidden({}, names | {"entrypoints.bootstrap": [both]})
    assert found == [
        f'entrypoints.bootstrap loads "{both}"',
        f'entrypoints.features.stops loads "{other}"',
    ]


def test_a_file_that_only_one_feature_uses_belongs_to_it() -> None:
    unowned = {"adapters.files": ["adapters.maps.files"], "adapters.http": ["adapters.maps", "a"]}
    assert [*_find_unowned(MAPS_AND_ROUTES, unowned)] == ["adapters.files belongs to maps"]

    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    importers = {name: graph.find_modules_that_directly_import(name) for name in graph.modules}
    assert "entrypoints.bootstrap" in importers[LIST]
    assert [*_find_unowned(OWNERSHIP, importers)] == [], "Name these files in `folders`."


def _find_unowned(ownership: Ownership, importers: Imports) -> Iterator[str]:
    """Yield the modules of the core that only the files of one feature import."""
    for module, names in sorted(importers.items()):
        owners = [ownership.find_owners(name) for name in names]
        only = owners[0].intersection(*owners) if owners else frozenset[str]()
        if only and not ownership.find_owners(module):
            yield f"{module} belongs to {', '.join(sorted(only))}"


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_feature_has_the_folders_that_it_names(feature: Feature) -> None:
    assert [each for each in feature.folders if not (PROJECT / each).exists()] == []
    before = [each.name for each in FEATURES[: FEATURES.index(feature)]]
    assert [each for each in feature.needs if each not in before] == []
