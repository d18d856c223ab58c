"""No files import each other in a circle, not even in functions or for types only."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Final

import grimp

PACKAGES: Final = ("domain", "application", "adapters", "entrypoints")


def find_cycle(imports: Mapping[str, set[str]]) -> list[str]:
    """Return the modules of one circle, each of which imports the one before it."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return []


def test_a_circle_is_found() -> None:
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert set(find_cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert "entrypoints.composition.use_cases" in imports["entrypoints.server.worker_app"]
    assert find_cycle(imports) == []
