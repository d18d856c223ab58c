"""What the log shows of real errors of drivers and libraries, whose texts have secrets in them."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import jwt
import msgspec
import psycopg
import pytest
from pymongo import InsertOne, MongoClient
from pymongo.errors import NotPrimaryError
from twilio.base.exceptions import TwilioRestException

import adapters.messages.twilio.client  # noqa: F401 -- it knows the codes of its library
from adapters.databases.mongo import driver as mongo_driver
from adapters.databases.postgres import driver as postgres_driver
from adapters.databases.sqlite.errors import to_port_error, to_startup_error
from adapters.operations.logging.masking import format_exception

PHONE: Final = "+14155552671"
CODE: Final = "804253"
TOKEN: Final = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI2NmYifQ.c2lnbmF0dXJlLW9mLXRva2Vu"
EMAIL: Final = "asha.rao@example.com"
PASSWORD: Final = "corr3ct-h0rse"
NAME: Final = "Asha Rao"
ALL: Final = f"{NAME} {PHONE} {CODE} {TOKEN} {EMAIL} {PASSWORD}"
SECRETS: Final = (
    "4155552671", CODE, *TOKEN.split("."), "asha.rao", "corr3ct", "h0rse", "Asha", "Rao",
)  # fmt: skip


def logged(error: BaseException) -> str:
    """Return the first line of an error in the log, which has no secret in any line."""
    text = format_exception(error)
    assert not [secret for secret in SECRETS if secret in text]
    return text.partition("\n")[0]


def shown(error: Exception | str) -> str:
    """Return a text for the operator, which has no secret."""
    assert not [secret for secret in SECRETS if secret in str(error)]
    return str(error)


def raised_by(call: Callable[[], object]) -> Any:
    with pytest.raises(Exception) as raised:  # noqa: PT011 -- it is looked at by its caller
        call()
    return raised.value


@pytest.mark.parametrize(
    ("sql", "values", "line"),
    [
        (
            "INSERT INTO people (phone) VALUES (%s), (%s)", (ALL, ALL),
            "UniqueViolation (23505)",
        ),
        (
            f"DO $$ BEGIN RAISE EXCEPTION 'no such person: %', '{PHONE}' USING HINT = '{ALL}'; "
            "END $$", None, "RaiseException (P0001)",
        ),
    ],
)  # fmt: skip
def test_postgresql_shows_the_sqlstate(
    postgres_database: str, sql: Any, values: Any, line: str
) -> None:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute("CREATE TABLE people (phone text PRIMARY KEY)")
        error = raised_by(lambda: connection.execute(sql, values))

    assert logged(error) == f"psycopg.errors.{line}"
    shown(postgres_driver.port_error(error, is_write=True))


def test_mongodb_shows_code_and_name(mongo_database: str) -> None:
    with MongoClient[Any](mongo_database) as client:
        people = client.get_default_database().people
        people.create_index("phone", unique=True)
        people.insert_one({"phone": ALL})
        operations = [InsertOne({"phone": ALL}), InsertOne({"phone": ALL})]
        errors = {
            "DuplicateKeyError (11000 DuplicateKey)": lambda: people.insert_one({"phone": ALL}),
            "BulkWriteError (11000 DuplicateKey)": lambda: people.bulk_write(
                operations, ordered=False
            ),
            "OperationFailure (2 BadValue)": lambda: people.find_one({"phone": {"$bad": ALL}}),
        }
        for line, call in errors.items():
            error = raised_by(call)
            assert logged(error) == f"pymongo.errors.{line}"
            shown(mongo_driver.port_error(error))
        document = raised_by(lambda: people.insert_one({"phone": {1, ALL}}))

    # What a server answers after an election.
    response = {"ok": 0, "errmsg": ALL, "code": 10107, "codeName": "NotWritablePrimary"}
    assert logged(NotPrimaryError(ALL, response)) == (
        "pymongo.errors.NotPrimaryError (10107 NotWritablePrimary)"
    )
    assert logged(document) == "bson.errors.InvalidDocument"


def test_sqlite_shows_the_name_of_the_error(tmp_path: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE people (phone TEXT UNIQUE)")
        connection.execute("INSERT INTO people VALUES (?)", (ALL,))
        error = raised_by(lambda: connection.execute("INSERT INTO people VALUES (?)", (ALL,)))
        encoding = raised_by(lambda: connection.execute("SELECT CAST(x'ff41' AS text)").fetchone())

    assert logged(error) == "sqlite3.IntegrityError (SQLITE_CONSTRAINT_UNIQUE)"
    assert shown(to_port_error(error)) == "SQLITE_CONSTRAINT_UNIQUE"
    assert shown(to_port_error(encoding)) == "a column is not UTF-8"
    full = OSError(28, NAME, f"/srv/{NAME}")
    assert shown(to_startup_error(Path("x.db"), full)) == (
        "The disk that holds x.db is full: free some space and start again."
    )


def test_libraries_show_their_class_and_what_is_in_the_documentation() -> None:
    class User(msgspec.Struct):
        phone: int

    token = jwt.encode({"sub": PHONE}, "k" * 32, algorithm="HS256")
    errors = {
        "jwt.exceptions.InvalidSignatureError": lambda: jwt.decode(
            token, "x" * 32, algorithms=["HS256"]
        ),
        "twilio.base.exceptions.TwilioRestException (400 21211)": lambda: _raise(
            TwilioRestException(400, f"/Messages.json?To={PHONE}", ALL, 21211, "POST")
        ),
        "msgspec.ValidationError ($.phone)": lambda: msgspec.convert({"phone": ALL}, User),
        "ModuleNotFoundError (no_such_module)": lambda: __import__("no_such_module"),
        "ValueError": lambda: int(ALL),
    }
    for line, call in errors.items():
        assert logged(raised_by(call)) == line


def _raise(error: Exception) -> None:
    raise error
