"""Items and their owners have ids that the service made."""

from collections.abc import Callable

import pytest

from domain.errors import InvalidIdentifier
from tests.support.builders import an_id
from tests.support.media.builders import an_item


@pytest.mark.parametrize("text", ["", "user-1", "0" * 23, "0" * 25, "A" * 24, "0" * 24 + "\n"])
@pytest.mark.parametrize(
    "make",
    [
        lambda text: an_item(id=text, storage_key=f"00/{an_id()}-{0:032x}.jpg"),
        lambda text: an_item(owner_id=text),
    ],
    ids=["item", "owner"],
)
def test_no_entity_has_an_id_from_elsewhere(make: Callable[[str], object], text: str) -> None:
    with pytest.raises(InvalidIdentifier, match="An id has 24 hex digits"):
        make(text)
