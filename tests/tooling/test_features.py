"""Features do not reach into each other, and their folders are complete.

`make check` has the contract for all imports.
"""

from collections.abc import Iterator
from typing import Final

import grimp
import pytest

from entrypoints.features import FEATURES
from tests.support.features_contract import LIST, OWNERSHIP, PROJECT, Imports, Ownership

PACKAGES: Final = ("domain", "application", "adapters", "entrypoints")
MAPS_AND_ROUTES: Final = Ownership(
    {
        "maps": ["application.maps", "adapters.maps", "entrypoints.http.maps"],
        "routes": ["application.routes", "entrypoints.commands.routes", "entrypoints.http.both"],
        "stops": ["entrypoints.http.both"],
    },
    {"maps": (), "routes": ("maps",), "stops": ()},
)


@pytest.mark.parametrize(
    ("importer", "imported", "is_allowed"),
    [
        ("application.use_cases", "application.maps.feature", False),
        ("application.maps.feature", "application.routes.feature", False),
        ("entrypoints.bootstrap", "entrypoints.features.maps", False),
        ("entrypoints.commands.routes.show", "entrypoints.http.maps.controller", False),
        (LIST, "entrypoints.features.maps", True),
        ("application.routes.feature", "application.maps.feature", True),
        ("application.routes.feature", "application.use_cases", True),
        ("entrypoints.features.maps", "adapters.maps.files", True),
    ],
)
def test_a_wrong_import_is_found(importer: str, imported: str, is_allowed: bool) -> None:
    found = MAPS_AND_ROUTES.find_forbidden({importer: [imported]}, {})
    assert found == [f"{importer} imports {imported}"] * (not is_allowed)


def test_a_feature_loads_only_its_own_modules_by_their_names() -> None:
    both, other = "entrypoints.http.both.part", "application.maps.feature"
    names = {"entrypoints.features.stops": [both, other, "entrypoints.server.serve"]}
    found = MAPS_AND_ROUTES.find_forbidden({}, names | {"entrypoints.bootstrap": [both]})
    assert found == [
        f'entrypoints.bootstrap loads "{both}"',
        f'entrypoints.features.stops loads "{other}"',
    ]


def test_a_file_that_only_one_feature_uses_belongs_to_it() -> None:
    unowned = {"adapters.one": ["adapters.maps.files"], "adapters.both": ["adapters.maps", "a"]}
    assert [*_find_unowned(MAPS_AND_ROUTES, unowned)] == ["adapters.one belongs to maps"]

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


def test_a_feature_has_the_folders_that_it_names_and_comes_after_those_it_needs() -> None:
    folders = [folder for feature in FEATURES for folder in feature.folders]
    assert [folder for folder in folders if not (PROJECT / folder).exists()] == []
    names = [feature.name for feature in FEATURES]
    for number, feature in enumerate(FEATURES):
        assert {*feature.needs} <= {*names[:number]}
