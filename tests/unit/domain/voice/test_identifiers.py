"""Calls and their callers have ids that the service made."""

from collections.abc import Callable

import pytest

from domain.errors import InvalidIdentifier
from tests.support.voice.builders import a_call


@pytest.mark.parametrize("text", ["", "user-1", "0" * 23, "0" * 25, "A" * 24, "0" * 24 + "\n"])
@pytest.mark.parametrize(
    "make",
    [
        lambda text: a_call(id=text),
        lambda text: a_call(identity_id=text),
    ],
    ids=["call", "caller"],
)
def test_no_entity_has_an_id_from_elsewhere(make: Callable[[str], object], text: str) -> None:
    with pytest.raises(InvalidIdentifier, match="An id has 24 hex digits"):
        make(text)
