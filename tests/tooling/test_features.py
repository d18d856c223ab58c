"""Features do not reach into each other, and all that is theirs is in their folders.

`make check` has the contract for all imports.
"""

from collections.abc import Iterator
from typing import Final

import grimp

from entrypoints.composition.features import FEATURES
from tests.support.features_contract import LAYERS, LIST, OWNERSHIP, PROJECT, Imports, Ownership

MAPS_AND_ROUTES: Final = Ownership(
    {"maps": ["maps"], "routes": ["sql.routes"]},
    {"maps": (), "routes": ("maps",), "console": ()},
)


def test_folders_say_what_belongs_to_a_feature() -> None:
    for module, owners in {
        "application.otp.maps": set(),
        "entrypoints.features.feature": set(),
        "application.features.maps.ports": {"maps"},
        "adapters.sql.routes": {"routes"},
        "adapters.sql.routes_of_others": set(),
        "entrypoints.http.features.routes.console.part": {"routes", "console"},
        "entrypoints.commands.features.routes.console": {"routes"},
    }.items():
        assert MAPS_AND_ROUTES.find_owners(module) == owners, module


def test_a_wrong_import_is_found() -> None:
    maps, routes = "application.features.maps.feature", "application.features.routes.feature"
    page, part = "entrypoints.http.features.maps", "entrypoints.http.features.console.part"
    for importer, imported, is_allowed in (
        ("application.use_cases", maps, False),
        (maps, routes, False),
        ("entrypoints.composition.use_cases", "entrypoints.features.maps", False),
        (f"{page}.plugin", part, False),
        (f"{page}.console.part", part, True),
        (LIST, "entrypoints.features.maps", True),
        (routes, maps, True),
        (routes, "application.use_cases", True),
        ("entrypoints.features.maps", "adapters.maps.files", True),
    ):
        found = MAPS_AND_ROUTES.find_forbidden({importer: [imported]}, {})
        assert found == [f"{importer} imports {imported}"] * (not is_allowed)


def test_a_feature_loads_only_its_own_modules_by_their_names() -> None:
    page = "entrypoints.http.features.maps.console.part"
    other = "application.features.maps.feature"
    names = {"entrypoints.features.console": [page, other, "entrypoints.server.serve"]}
    found = MAPS_AND_ROUTES.find_forbidden(
        {}, names | {"entrypoints.composition.use_cases": [page]}
    )
    assert found == [
        f'entrypoints.composition.use_cases loads "{page}"',
        f'entrypoints.features.console loads "{other}"',
    ]


def test_a_file_that_only_one_feature_uses_belongs_to_it() -> None:
    unowned = {"adapters.one": ["adapters.maps.files"], "adapters.both": ["adapters.maps", "a"]}
    assert [*_find_unowned(MAPS_AND_ROUTES, unowned)] == ["adapters.one belongs to maps"]

    graph = grimp.build_graph(*LAYERS, cache_dir=None)
    importers = {name: graph.find_modules_that_directly_import(name) for name in graph.modules}
    assert "entrypoints.composition.use_cases" in importers[LIST]
    assert [*_find_unowned(OWNERSHIP, importers)] == [], "Move these below `features/`."


def _find_unowned(ownership: Ownership, importers: Imports) -> Iterator[str]:
    """Yield the modules of the core that only the files of one feature import."""
    for module, names in sorted(importers.items()):
        owners = [ownership.find_owners(name) for name in names]
        only = owners[0].intersection(*owners) if owners else frozenset[str]()
        if only and not ownership.find_owners(module):
            yield f"{module} belongs to {', '.join(sorted(only))}"


def test_each_folder_and_adapter_is_one_of_a_feature_that_is_listed() -> None:
    names = [feature.name for feature in FEATURES]
    for number, feature in enumerate(FEATURES):
        assert {*feature.needs} <= {*names[:number]}
        assert [it for it in feature.adapters if not (PROJECT / "adapters" / it).exists()] == []
    found = {
        path.stem
        for layer in LAYERS
        for folder in (PROJECT / layer).rglob("features/")
        for path in folder.iterdir()
        if path.name not in {"__init__.py", "__pycache__"}
    }
    assert found == {*names, "feature"}
