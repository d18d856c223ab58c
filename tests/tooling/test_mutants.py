"""The report of `make mutants` is correct: no mutant is lost, no accepted one is outdated."""

import types
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.mutants import switch
from tests.mutants.accepted import FILE, find_outdated, find_unaccepted, read_accepted
from tests.mutants.generate import without_property_decorators
from tests.mutants.mutant import Mutant

MUTANT = Mutant("domain/a.py", "domain.a.f", "x_f__mutmut_1", "return a < b", "return a <= b")
ACCEPTED = """
[[mutant]]
place = "domain.a.f"
original = "return a < b"
replacement = "return a <= b"
reason = "They are never equal."
"""
SOURCE = '''
class Pair:
    """Two numbers."""

    @property
    def sum(self) -> int:
        """Both."""
        return 3

    @staticmethod
    def minimum() -> int:
        return 1
'''


def test_an_accepted_mutant_is_not_reported() -> None:
    assert find_unaccepted([MUTANT], read_accepted(ACCEPTED)) == []
    assert find_outdated([MUTANT], read_accepted(ACCEPTED)) == []


def test_an_entry_does_not_depend_on_the_number_of_the_mutant() -> None:
    other = replace(MUTANT, key="x_f__mutmut_7")
    assert find_unaccepted([other], read_accepted(ACCEPTED)) == []


@pytest.mark.parametrize(
    "other",
    [
        replace(MUTANT, place="domain.a.g"),
        replace(MUTANT, original="return a < c"),
        replace(MUTANT, replacement="return a > b"),
    ],
)
def test_an_entry_for_another_mutant_is_reported(other: Mutant) -> None:
    accepted = read_accepted(ACCEPTED)
    assert find_unaccepted([other], accepted) == [other]
    assert find_outdated([other], accepted) == accepted


def test_an_entry_without_a_reason_is_invalid() -> None:
    with pytest.raises(TypeError):
        read_accepted(ACCEPTED.replace("reason", "because"))


def test_each_entry_is_unique_and_has_a_reason_of_one_line() -> None:
    accepted = read_accepted(FILE.read_text())
    assert all(entry.reason and "\n" not in entry.reason for entry in accepted)
    changes = {(entry.place, entry.original, entry.replacement) for entry in accepted}
    assert len(changes) == len(accepted)


def test_code_without_property_decorators_behaves_the_same() -> None:
    code = without_property_decorators(SOURCE)
    assert "@property" not in code
    assert "@staticmethod" in code
    module = types.ModuleType("without_decorators")
    exec(code, module.__dict__)  # noqa: S102 - the generated code has to run
    assert module.Pair().sum == 3
    assert isinstance(module.Pair.sum, property)


@pytest.fixture
def smaller() -> Iterator[Callable[[int, int], int]]:
    """A function with its mutants, as they are written into a module."""

    def x_smaller__mutmut_orig(a: int, b: int) -> int:
        return min(a, b)

    def x_smaller__mutmut_1(a: int, b: int) -> int:
        return max(a, b)

    mutants = {"x_smaller__mutmut_1": x_smaller__mutmut_1, "_mutmut_orig": x_smaller__mutmut_orig}
    yield switch.switched(mutants)(x_smaller__mutmut_orig)
    switch.activate("", "")
    switch.called_functions.clear()


def test_only_the_active_mutant_is_called(smaller: Callable[[int, int], int]) -> None:
    assert smaller(1, 2) == 1
    switch.activate(f"{__name__}.x_smaller", "x_smaller__mutmut_1")
    assert smaller(1, 2) == 2
    switch.activate("domain.elsewhere.x_smaller", "x_smaller__mutmut_1")
    assert smaller(1, 2) == 1


def test_called_functions_are_recorded(smaller: Callable[[int, int], int]) -> None:
    assert f"{__name__}.x_smaller" not in switch.called_functions
    smaller(1, 2)
    assert f"{__name__}.x_smaller" in switch.called_functions
