"""Generate the mutants of `domain/` with mutmut.

The mutants of a function are written into its module next to the original, and `switch` selects
one: a process that collected the tests once can run them with each mutant. Numbers and flags
outside of functions are read on import, so each of their mutants is a file of its own.
"""

import ast
import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import libcst as cst
from mutmut.mutation.file_mutation import MutatedFile, create_mutations, mutate_file_contents

from tests.mutants.mutant import Mutant, module_of

_SWITCH: Final = (
    "from mutmut.mutation.trampoline import wrap_in_trampoline as _mutmut_mutated, MutantDict",
    "from tests.mutants.switch import switched as _mutmut_mutated, MutantDict",
)


def generate_mutants(root: Path, path: str, target: Path) -> Iterator[Mutant]:
    """Write the file with the mutants of its functions, and a file for each of its constants."""
    source = (root / path).read_text()
    mutated = mutate_file_contents(path, without_property_decorators(source))
    (target / path).write_text(mutated.code.replace(*_SWITCH))
    for key in mutated.mutant_names:
        yield _function_mutant(path, key, mutated)
    for number, (original, replacement, code) in enumerate(_constant_mutants(path, source)):
        key = f"{module_of(path)}-{number}.constant"
        (target / key).write_text(code)
        yield Mutant(path, module_of(path), key, original, replacement, is_constant=True)


def without_property_decorators(source: str) -> str:
    """Return the code with `name = property(name)` after each function instead of `@property`.

    mutmut does not change decorated functions.
    """
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef(decorator_list=[ast.Name(id="property", lineno=line)]):
                lines[line - 1] = ""
                end = (node.end_lineno or line) - 1
                lines[end] += f"\n{' ' * node.col_offset}{node.name} = property({node.name})"
    return "\n".join(lines) + "\n"


def _function_mutant(path: str, key: str, mutated: MutatedFile) -> Mutant:
    function = key.partition("__mutmut_")[0]
    lines = mutated.code.splitlines()
    original = _function_lines(lines, mutated, f"{function}__mutmut_orig")
    replacement = _function_lines(lines, mutated, key)
    name = function.removeprefix("x_") if "ǁ" not in function else function[2:].replace("ǁ", ".")
    return Mutant(path, f"{module_of(path)}.{name}", key, *_changed_lines(original, replacement))


def _function_lines(lines: Sequence[str], mutated: MutatedFile, name: str) -> list[str]:
    span = mutated.line_span_by_function_name[name]
    return [line.replace(name, "") for line in lines[span.start - 1 : span.end]]


def _constant_mutants(path: str, source: str) -> Iterator[tuple[str, str, str]]:
    module, mutations, *_ = create_mutations(path, source)
    for mutation in mutations:
        is_value = isinstance(mutation.original_node, cst.BaseNumber | cst.Name)
        if is_value and not isinstance(mutation.contained_by_top_level_function, cst.FunctionDef):
            changed = module.deep_replace(mutation.original_node, mutation.mutated_node)
            assert isinstance(changed, cst.Module)
            lines = _changed_lines(source.splitlines(), changed.code.splitlines())
            yield (*lines, changed.code)


def _changed_lines(original: Sequence[str], replacement: Sequence[str]) -> tuple[str, str]:
    """Return the lines that only one of them has, each joined into one line."""
    diff = list(difflib.unified_diff(original, replacement, n=0, lineterm=""))[3:]
    return (
        " ".join(line[1:].strip() for line in diff if line.startswith("-")),
        " ".join(line[1:].strip() for line in diff if line.startswith("+")),
    )
