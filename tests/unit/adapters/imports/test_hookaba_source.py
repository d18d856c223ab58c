"""The database of the older service is only read."""

import pytest

from entrypoints.commands.features.imports.hookaba import parse_source
from entrypoints.opening.startup_error import InvalidArgument
from tests.support.settings import settings


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://127.0.0.1/hookaba",
        "mongodb://reader:secret@LOCALHOST:27017/hookaba?authSource=admin",
    ],
)
def test_the_older_database_cannot_be_ours(url: str) -> None:
    own = settings(DATABASE="mongodb://127.0.0.1:27017/hookaba")

    with pytest.raises(InvalidArgument, match="--from is DIALTONE_DATABASE"):
        parse_source(own, url)
