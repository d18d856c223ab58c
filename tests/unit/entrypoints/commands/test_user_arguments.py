"""Whom the argument USER means."""

import pytest

from application.administration.find_user import ExternalIdQuery
from domain.identities.external_id import ExternalId
from entrypoints.commands.shared.parsing import parse_readings
from entrypoints.settings.startup_error import InvalidArgument
from tests.support.settings import settings


@pytest.mark.parametrize("text", ["auth0|42", "+14155552671", "68b1c0a5d2f04e7a9c3b1d20", "alice"])
def test_an_external_id_means_nothing_else(text: str) -> None:
    readings = parse_readings(settings(), f"external_id:{text}")

    assert readings == [ExternalIdQuery(ExternalId(text))]


def test_an_invalid_external_id_is_one_sentence() -> None:
    with pytest.raises(InvalidArgument, match="at least one character"):
        parse_readings(settings(), "external_id:")
