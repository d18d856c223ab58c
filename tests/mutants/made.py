"""The mutants of `domain/`: one small change each, as mutmut makes them.

Those of functions are written into one module, beside what they were made from, and a switch says
which of them is on: so a process that has collected the tests once can try them all. Numbers and
flags outside functions are read when their module is imported; each such mutant is a file.
"""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import libcst as cst
from mutmut.mutation.file_mutation import MutatedFile, create_mutations, mutate_file_contents

from tests.mutants.mutant import Mutant, module_of
from tests.mutants.properties import with_plain_properties

_SWITCH: Final = (
    "from mutmut.mutation.trampoline import wrap_in_trampoline as _mutmut_mutated, MutantDict",
    "from tests.mutants.switch import switched as _mutmut_mutated, MutantDict",
)


def write_mutants(root: Path, path: str, tree: Path) -> Iterator[Mutant]:
    """Write the file with all its mutants off, and one file for each constant that has another."""
    source = (root / path).read_text()
    made = mutate_file_contents(path, with_plain_properties(source))
    (tree / path).write_text(made.code.replace(*_SWITCH))
    for key in made.mutant_names:
        yield _of_function(path, key, made)
    for number, (was, becomes, code) in enumerate(_constants(path, source)):
        key = f"{module_of(path)}-{number}.constant"
        (tree / key).write_text(code)
        yield Mutant(path, module_of(path), key, was, becomes, is_constant=True)


def _of_function(path: str, key: str, made: MutatedFile) -> Mutant:
    function = key.partition("__mutmut_")[0]
    lines = made.code.splitlines()
    was, becomes = (_lines(lines, made, name) for name in (f"{function}__mutmut_orig", key))
    name = function.removeprefix("x_") if "ǁ" not in function else function[2:].replace("ǁ", ".")
    return Mutant(path, f"{module_of(path)}.{name}", key, *_difference(was, becomes))


def _lines(lines: Sequence[str], made: MutatedFile, name: str) -> list[str]:
    span = made.line_span_by_function_name[name]
    return [line.replace(name, "") for line in lines[span.start - 1 : span.end]]


def _constants(path: str, source: str) -> Iterator[tuple[str, str, str]]:
    module, mutations, *_ = create_mutations(path, source)
    for one in mutations:
        is_value = isinstance(one.original_node, cst.BaseNumber | cst.Name)
        if is_value and not isinstance(one.contained_by_top_level_function, cst.FunctionDef):
            changed = module.deep_replace(one.original_node, one.mutated_node)
            assert isinstance(changed, cst.Module)
            yield (*_difference(source.splitlines(), changed.code.splitlines()), changed.code)


def _difference(was: Sequence[str], becomes: Sequence[str]) -> tuple[str, str]:
    """Give the lines that only one of them has, each side as one line."""
    changed = list(difflib.unified_diff(was, becomes, n=0, lineterm=""))[3:]
    return (
        " ".join(line[1:].strip() for line in changed if line.startswith("-")),
        " ".join(line[1:].strip() for line in changed if line.startswith("+")),
    )
