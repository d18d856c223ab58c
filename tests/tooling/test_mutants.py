"""What `make mutants` says is so: no mutant is lost, and no explanation outlives its mutant."""

import types
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.mutants import switch
from tests.mutants.explained import FILE, outdated, read_explanations, unexplained
from tests.mutants.mutant import Mutant
from tests.mutants.properties import with_plain_properties

MUTANT = Mutant("domain/a.py", "domain.a.f", "x_f__mutmut_1", "return a < b", "return a <= b")
EXPLAINED = """
[[mutant]]
place = "domain.a.f"
was = "return a < b"
becomes = "return a <= b"
why = "They are never the same."
"""
SOURCE = '''
class Pair:
    """Two numbers."""

    @property
    def sum(self) -> int:
        """Both."""
        return 3

    @staticmethod
    def least() -> int:
        return 1
'''


def test_an_explained_mutant_is_not_reported() -> None:
    assert unexplained([MUTANT], read_explanations(EXPLAINED)) == []
    assert outdated([MUTANT], read_explanations(EXPLAINED)) == []


def test_an_explanation_does_not_depend_on_the_mutants_number() -> None:
    assert unexplained([replace(MUTANT, key="x_f__mutmut_7")], read_explanations(EXPLAINED)) == []


@pytest.mark.parametrize(
    "other",
    [
        replace(MUTANT, place="domain.a.g"),
        replace(MUTANT, was="return a < c"),
        replace(MUTANT, becomes="return a > b"),
    ],
)
def test_an_explanation_of_another_mutant_is_outdated(other: Mutant) -> None:
    known = read_explanations(EXPLAINED)
    assert unexplained([other], known) == [other]
    assert outdated([other], known) == known


def test_an_explanation_without_a_reason_is_an_error() -> None:
    with pytest.raises(TypeError):
        read_explanations(EXPLAINED.replace("why", "because"))


def test_every_explanation_is_unique_and_has_one_line() -> None:
    known = read_explanations(FILE.read_text())
    assert all(one.why and "\n" not in one.why for one in known)
    assert len({(one.place, one.was, one.becomes) for one in known}) == len(known)


def test_a_plain_property_has_the_same_behavior() -> None:
    plain = with_plain_properties(SOURCE)
    assert "@property" not in plain
    assert "@staticmethod" in plain
    module = types.ModuleType("plain")
    exec(plain, module.__dict__)  # noqa: S102 - this is what becomes of such code
    assert module.Pair().sum == 3
    assert isinstance(module.Pair.sum, property)


@pytest.fixture
def smaller() -> Iterator[Callable[[int, int], int]]:
    """A function with its mutants, as they are written into a module."""

    def x_smaller__mutmut_orig(a: int, b: int) -> int:
        return min(a, b)

    def x_smaller__mutmut_1(a: int, b: int) -> int:
        return max(a, b)

    made = {"x_smaller__mutmut_1": x_smaller__mutmut_1, "_mutmut_orig": x_smaller__mutmut_orig}
    yield switch.switched(made)(x_smaller__mutmut_orig)
    switch.turn_on("", "")
    switch.called.clear()


def test_only_the_enabled_mutant_is_called(smaller: Callable[[int, int], int]) -> None:
    assert smaller(1, 2) == 1
    switch.turn_on(f"{__name__}.x_smaller", "x_smaller__mutmut_1")
    assert smaller(1, 2) == 2
    switch.turn_on("domain.elsewhere.x_smaller", "x_smaller__mutmut_1")
    assert smaller(1, 2) == 1


def test_calls_are_recorded(smaller: Callable[[int, int], int]) -> None:
    assert f"{__name__}.x_smaller" not in switch.called
    smaller(1, 2)
    assert f"{__name__}.x_smaller" in switch.called
