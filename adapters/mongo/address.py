"""The address of a database, as the operator writes it."""

import re
from typing import Final

from adapters.mongo.errors import DatabaseNotUsable

_EXAMPLE: Final = "mongodb://host/dialtone"
# What is before the last @ is nobody's to see; what is behind the ? may not hold another,
# which an unescaped ? in a password would bring there.
_SHAPE: Final = re.compile(
    r"mongodb(?:\+srv)?://(?:[^/?@]*@)?(?P<hosts>[^/?@]+)(?:/(?P<name>[^/?@]*))?(?:\?(?P<options>[^@]*))?"
)


def place_of(url: str) -> str:
    """Give hosts and name of the database, as they may be shown.

    Raises:
        DatabaseNotUsable: it is no such address, or names no database.
    """
    match = _SHAPE.fullmatch(url)
    if match is None:
        raise DatabaseNotUsable(
            f"The database's address is not of the form {_EXAMPLE}: correct it, with %-escapes "
            "for what is neither letter nor digit in user and password."
        )
    hosts, name = match["hosts"], match["name"]
    if not name:
        raise DatabaseNotUsable(
            f"The address of {hosts} names no database: write one behind it, like {_EXAMPLE}."
        )
    return f"{hosts}/{name}"


def options_of(url: str) -> dict[str, str]:
    """Give the options in the address, names in lower case."""
    pairs = re.split("[&;]", url.partition("?")[2])
    named = (pair.partition("=") for pair in pairs if pair)
    return {name.lower(): value for name, _, value in named}
