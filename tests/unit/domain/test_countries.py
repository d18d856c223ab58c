"""Countries are written as their ISO codes."""

import pytest

from domain.countries import ALL_COUNTRIES, parse_country
from domain.errors import InvalidValue


@pytest.mark.parametrize("text", ["IN", "in", "In"])
def test_a_country_is_its_code_in_capitals(text: str) -> None:
    assert parse_country(text) == "IN"


@pytest.mark.parametrize("text", ["", "*", "I", "IND", "XX", "001", " IN", "India"])
def test_what_is_no_country_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_country(text)


def test_the_refusal_says_how_a_country_is_written() -> None:
    with pytest.raises(InvalidValue, match=r"\AA country is .* ISO code .* letters, like IN\.\Z"):
        parse_country("India")


def test_all_countries_are_their_own_codes() -> None:
    assert {parse_country(country) for country in ALL_COUNTRIES} == ALL_COUNTRIES
    assert len(ALL_COUNTRIES) > 200
