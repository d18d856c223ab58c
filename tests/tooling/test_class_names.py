"""No name of a public class is defined twice: a reader never has to look which one is meant."""

import re
from collections import defaultdict
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def test_a_public_class_name_is_defined_once() -> None:
    modules = defaultdict(list)
    for layer in ("domain", "application", "adapters", "entrypoints"):
        for path in (PROJECT / layer).rglob("*.py"):
            for name in re.findall(r"^class ([A-Z]\w*)", path.read_text("utf-8"), re.MULTILINE):
                modules[name].append(str(path.relative_to(PROJECT)))
    assert modules
    assert {name: paths for name, paths in modules.items() if len(paths) > 1} == {}
