"""The rule that says what belongs to a feature, and a contract of import-linter by this rule."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, output

from entrypoints.composition.features import FEATURES

PROJECT: Final = Path(__file__).parents[2]
LAYERS: Final = ("domain", "application", "adapters", "entrypoints")
LIST: Final = "entrypoints.composition.features"
"""The only module that imports all features."""
TABLE: Final = "entrypoints.commands.table"
"""The only module that names commands of all features in strings."""
INSIDES: Final = ("entrypoints.http.", "entrypoints.commands.")
"""What not even a feature imports of one that it needs. It imports use cases, ports and entities;
what opens it, also settings and adapters."""
GUIDANCE: Final = (
    "The core imports no feature: it has a hook, in which the feature registers. A feature imports "
    "entities, use cases and ports of features that it names in `needs`: "
    "docs/architecture.md#core-and-features."
)
_NAME_IN_STRING: Final = re.compile(
    r"""["']((?:domain|application|adapters|entrypoints)(?:\.\w+)+)(?::\w+)?["']"""
)

Imports = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class Ownership:
    """Which modules belong to which features, and which features each of them needs.

    `features/<name>` belongs to that feature, wherever it is, and so do the adapters that it names.
    All others are the core.
    """

    adapters: Mapping[str, Collection[str]]
    needs: Mapping[str, Collection[str]]

    def find_owners(self, module: str) -> frozenset[str]:
        """Return the names of the features that a module belongs to: none of the core's."""
        parts = module.split(".")
        owners = {name for folder, name in pairwise(parts) if folder == "features"}
        owners |= {
            name
            for name, adapters in self.adapters.items()
            if any(f"{module}.".startswith(f"adapters.{adapter}.") for adapter in adapters)
        }
        return frozenset(owners & self.needs.keys())

    def is_allowed(self, importer: str, imported: str) -> bool:
        """Return whether a module may import another one."""
        owners, owners_of_imported = self.find_owners(importer), self.find_owners(imported)
        if importer == LIST or owners_of_imported <= owners:
            return True
        needed = owners.union(*(self.needs[owner] for owner in owners))
        return owners_of_imported <= needed and not imported.startswith(INSIDES)

    def may_name(self, module: str, named: str) -> bool:
        """Return whether a module may have the name of another one in a string, to load it."""
        owners = self.find_owners(named)
        return module == TABLE or not owners or bool(owners & self.find_owners(module))

    def find_forbidden(self, imports: Imports, names: Imports) -> list[str]:
        """Return what is not allowed: imports, and names of modules in strings."""
        return [
            f"{importer} imports {each}"
            for importer, imported in sorted(imports.items())
            for each in sorted(imported)
            if not self.is_allowed(importer, each)
        ] + [
            f'{module} loads "{each}"'
            for module, named in sorted(names.items())
            for each in sorted(named)
            if not self.may_name(module, each)
        ]


OWNERSHIP: Final = Ownership(
    {
        feature.name: [path.removesuffix(".py").replace("/", ".") for path in feature.adapters]
        for feature in FEATURES
    },
    {feature.name: feature.needs for feature in FEATURES},
)


class FeaturesContract(Contract):
    """Checks the imports of all modules, by their folders and by what features need."""

    type_name = "features"

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Find what is not allowed."""
        del verbose
        modules = [name for name in graph.modules if name.partition(".")[0] in LAYERS]
        imports = {name: graph.find_modules_directly_imported_by(name) for name in modules}
        names = {name: _find_names(name) for name in modules}
        forbidden = OWNERSHIP.find_forbidden(imports, names)
        return ContractCheck(kept=not forbidden, metadata={"forbidden": forbidden})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print what is not allowed, and what to do."""
        for text in check.metadata["forbidden"]:
            output.print_error(text)
        output.print(f"\n{GUIDANCE}")


def _find_names(module: str) -> Collection[str]:
    """Return the names of modules in the strings of a module of the project."""
    path = PROJECT / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return _NAME_IN_STRING.findall(file.read_text()) if file.is_file() else ()
