"""The address of a MongoDB, as it is written in settings.

https://www.mongodb.com/docs/manual/reference/connection-string/
"""

import re
from typing import Final
from urllib.parse import unquote_plus

from domain.errors import InvalidValue
from entrypoints.settings.addresses import read_bind
from entrypoints.settings.kinds import MongoDatabase

SCHEMES: Final = ("mongodb://", "mongodb+srv://")

_ADDRESS: Final = re.compile(
    r"mongodb(?P<srv>\+srv)?://(?:(?P<login>[^/?#]*)@)?(?P<hosts>[^/?#@]*)"
    r"(?:/(?P<name>[^/?#@]*))?(?:\?(?P<options>[^#@]*))?"
)
_LOGIN: Final = re.compile(r"(?:[^\s:%@]|%[0-9A-Fa-f]{2})+(?::(?:[^\s:%@]|%[0-9A-Fa-f]{2})*)?")
_PORT: Final = re.compile(r":[0-9]+")
_SOCKET: Final = re.compile(r"(?:[\w.~-]|%[0-9A-Fa-f]{2})+\.sock", re.ASCII)
_SERVICE: Final = re.compile(r"(?=.*[A-Za-z])[\w.-]+", re.ASCII)
_OPTION: Final = r"[^=&;]+=[^=&;]*"
_OPTIONS: Final = re.compile(rf"{_OPTION}(?:(?:&{_OPTION})*|(?:;{_OPTION})*)")
# https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions
_FORBIDDEN: Final = frozenset('/\\. "$')
_LONGEST_NAME: Final = 63
_OWN: Final = ("admin", "config", "local")


def read_mongodb(text: str) -> MongoDatabase:
    """Read the address; its database is named, and is none of MongoDB's own.

    Options are left to the driver.
    """
    address = _ADDRESS.fullmatch(text)
    if address is None or not _is_login(address["login"]):
        raise InvalidValue(
            "Takes mongodb://host/name or mongodb://user:password@host/name; in user, password and "
            "options : / ? # @ % are written %3A %2F %3F %23 %40 %25."
        )
    if address["srv"] and not _SERVICE.fullmatch(address["hosts"]):
        raise InvalidValue("An address with mongodb+srv:// has one host, by its name, and no port.")
    if not all(map(_is_host, address["hosts"].split(","))):
        raise InvalidValue(
            "The hosts of a MongoDB are host or host:port with commas between them; "
            "a socket is written like %2Ftmp%2Fmongodb-27017.sock."
        )
    if not address["name"]:
        raise InvalidValue("The address of a MongoDB names the database: mongodb://host/name.")
    if not _is_name(unquote_plus(address["name"])):
        raise InvalidValue(
            'The name of the database has at most 63 bytes and none of / \\ . " $ or a space; '
            "admin, config and local are MongoDB's own."
        )
    if address["options"] and not _OPTIONS.fullmatch(address["options"]):
        raise InvalidValue(
            "The options of a MongoDB are name=value with & between them; = in a value is %3D."
        )
    return MongoDatabase(text)


def _is_login(login: str | None) -> bool:
    return login is None or _LOGIN.fullmatch(login) is not None


def _is_host(host: str) -> bool:
    if _SOCKET.fullmatch(host):
        return True
    try:
        read_bind(host if _PORT.search(host.rpartition("]")[2]) else f"{host}:27017")
    except InvalidValue:
        return False
    return True


def _is_name(name: str) -> bool:
    return (
        name.isprintable()
        and _FORBIDDEN.isdisjoint(name)
        and len(name.encode()) <= _LONGEST_NAME
        and name.lower() not in _OWN
    )
