"""The database of the older service is only read."""

import pytest

from entrypoints.commands.arguments import make_parser
from entrypoints.commands.imports.hookaba import import_hookaba
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
    arguments = make_parser().parse_args(["import", "hookaba", "--from", url, "--dry-run"])

    with pytest.raises(InvalidArgument, match="--from is DIALTONE_DATABASE"):
        list(import_hookaba(own, arguments))
