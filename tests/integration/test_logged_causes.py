"""What the log shows of real errors of drivers and libraries, whose texts have secrets in them."""

import asyncio
import io
import socket
import sqlite3
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any, Final

import httpx
import jwt
import psycopg
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import EndpointConnectionError
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from PIL import Image
from pymongo import InsertOne, MongoClient
from pymongo.errors import NotPrimaryError
from twilio.base.exceptions import TwilioRestException

from adapters.http import ConnectionFailed, NoResponse, Timeouts, open_transport
from adapters.logging.masking import format_exception
from adapters.mongo import driver as mongo_driver
from adapters.postgres import driver as postgres_driver
from adapters.postgres.database import open_pool
from adapters.postgres.opening_errors import errors_while_opening
from adapters.postgres.url import parse_url
from adapters.s3.errors import files_unavailable
from adapters.sqlite.errors import to_port_error
from adapters.twilio.client import TwilioError
from application.ports.errors import ConfigurationError, PortError, StorageUnavailable

PHONE: Final = "+14155552671"
CODE: Final = "804253"
TOKEN: Final = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI2NmYifQ.c2lnbmF0dXJlLW9mLXRva2Vu"
EMAIL: Final = "asha.rao@example.com"
PASSWORD: Final = "corr3ct h0rse"
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


def shown(error: PortError | ConfigurationError) -> str:
    """Return the text of an error for the operator, which has no secret."""
    assert not [secret for secret in SECRETS if secret in str(error)]
    return str(error)


def raised_by(call: Callable[[], object]) -> Any:
    with pytest.raises(Exception) as raised:  # noqa: PT011 -- it is looked at by its caller
        call()
    return raised.value


# PostgreSQL

TABLE: Final = """
CREATE TABLE people (
    phone text PRIMARY KEY, name text NOT NULL, id uuid,
    born date, age int CONSTRAINT people_are_old CHECK (age > 17), code varchar(3)
)
"""


@pytest.mark.parametrize(
    ("sql", "values", "line", "reason"),
    [
        (
            "INSERT INTO people (phone, name) VALUES (%s, 'x'), (%s, 'x')", (ALL, ALL),
            'UniqueViolation (23505): duplicate key value violates unique constraint "people_pkey"',
            "UniqueViolation 23505: duplicate key value violates unique constraint "
            '"people_pkey"',
        ),
        (
            "INSERT INTO people (phone, name, age) VALUES (%s, %s, 1)", (ALL, NAME),
            'CheckViolation (23514): new row for relation "people" violates check constraint '
            '"people_are_old"', "CheckViolation 23514: new row for relation",
        ),
        (
            "INSERT INTO people (phone) VALUES (%s)", (ALL,),
            'NotNullViolation (23502): null value in column "name" of relation "people" violates '
            "not-null constraint", "NotNullViolation 23502: null value",
        ),
        (
            "SELECT %s::text::uuid", (f'x" {ALL} "y',),
            "InvalidTextRepresentation (22P02): invalid input syntax for type uuid: *",
            "InvalidTextRepresentation 22P02: invalid input",
        ),
        (
            "SELECT %s::text::date", (ALL,),
            "InvalidDatetimeFormat (22007): invalid input syntax for type date: *",
            "InvalidDatetimeFormat 22007: invalid input syntax",
        ),
        (
            "INSERT INTO people (phone, name, code) VALUES ('x', 'x', %s)", (ALL,),
            "StringDataRightTruncation (22001): value too long for type character *)",
            "StringDataRightTruncation 22001: value too long",
        ),
        (
            "SELECT %s::text FROM gone", (ALL,),
            'UndefinedTable (42P01): relation "gone" does not exist',
            'UndefinedTable 42P01: relation "gone" does not exist',
        ),
        (
            "SELECT gone, %s::text FROM people", (ALL,),
            'UndefinedColumn (42703): column "gone" does not exist', "UndefinedColumn 42703: colu",
        ),
        (
            f"DO $$ BEGIN RAISE EXCEPTION 'no such person: %', '{PHONE}' USING HINT = '{ALL}'; "
            "END $$", None, "RaiseException (P0001): no such person: *",
            "RaiseException P0001: no such person: *",
        ),
        (
            "DO $$ BEGIN RAISE EXCEPTION 'index \"people_pkey\" contains unexpected zero page' "
            f"USING ERRCODE = 'XX002', DETAIL = '{ALL}'; END $$", None,
            'IndexCorrupted (XX002): index "people_pkey" contains unexpected zero page',
            "the table or an index is damaged: XX002: index",
        ),
    ],
)  # fmt: skip
def test_postgresql_shows_sqlstate_constraint_and_primary_message(
    postgres_database: str, sql: Any, values: Any, line: str, reason: str
) -> None:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(TABLE)
        error = raised_by(lambda: connection.execute(sql, values))

    assert logged(error) == f"psycopg.errors.{line}"
    assert shown(postgres_driver.port_error(error, is_write=True)).startswith(reason)


def test_postgresql_shows_why_there_is_no_connection(postgres_database: str) -> None:
    refused = raised_by(lambda: psycopg.connect(f"postgresql://asha:{CODE}@127.0.0.1:1/Rao"))
    invalid = raised_by(lambda: psycopg.connect(f"postgresql://x:1/x?user={NAME}&no={PHONE}"))
    database = raised_by(lambda: psycopg.connect(postgres_database, dbname=ALL))

    assert "Connection refused" in logged(refused)
    with pytest.raises(ConfigurationError) as opening, errors_while_opening("host/name"):
        raise refused
    assert "Connection refused" in shown(opening.value)
    assert shown(postgres_driver.port_error(refused, is_write=False)).startswith(
        "the connection was lost: connection failed: "
    )
    assert "unexpected spaces found in *" in logged(invalid)
    assert logged(database).endswith("database * does not exist")


async def test_a_call_without_a_connection_says_why_there_is_none() -> None:
    url = parse_url(f"postgresql://asha:{CODE}@127.0.0.1:1/Rao?timeout=0.5")
    async with open_pool(url) as database:
        with pytest.raises(StorageUnavailable) as raised:
            await database.read("SELECT 1")
    assert raised.value.reason == "there is no connection to a server that accepts writes"
    assert "Connection refused" in shown(raised.value)


# MongoDB


@pytest.fixture
def client(mongo_database: str) -> Iterator[MongoClient[Any]]:
    with MongoClient[Any](mongo_database) as client:
        yield client


def test_mongodb_shows_code_name_and_index(client: MongoClient[Any]) -> None:
    database = client.get_default_database()
    people = database.people
    people.create_index("phone", unique=True, name="people_phone")
    person = {"phone": ALL, NAME: PHONE}
    people.insert_one({**person})
    operations = [InsertOne({"_id": 1, **person}), InsertOne({"_id": 2, **person})]
    index = f"index people_phone of {database.name}.people"

    duplicate = raised_by(lambda: people.insert_one({**person}))
    bulk = raised_by(lambda: people.bulk_write(operations, ordered=False))
    replaced = raised_by(lambda: people.find_one_and_replace({"_id": 3}, {**person}, upsert=True))
    operator = raised_by(lambda: people.find_one({"phone": {"$bad": ALL}}))
    command = raised_by(lambda: database.command({ALL: 1}))
    database.create_collection("checked", validator={"age": 18})
    checked = raised_by(lambda: database.checked.insert_one({"name": ALL}))
    # What a server answers after an election.
    response = {"ok": 0, "errmsg": ALL, "code": 10107, "codeName": "NotWritablePrimary"}
    follower = NotPrimaryError(ALL, response)

    assert logged(duplicate) == f"pymongo.errors.DuplicateKeyError (11000 DuplicateKey): {index}"
    assert logged(bulk) == f"pymongo.errors.BulkWriteError (11000 DuplicateKey): {index}"
    assert logged(replaced) == f"pymongo.errors.DuplicateKeyError (11000 DuplicateKey): {index}"
    assert logged(operator) == "pymongo.errors.OperationFailure (2 BadValue)"
    assert logged(command) == "pymongo.errors.OperationFailure (59 CommandNotFound)"
    assert logged(checked) == "pymongo.errors.WriteError (121 DocumentValidationFailure)"
    assert logged(follower) == "pymongo.errors.NotPrimaryError (10107 NotWritablePrimary)"
    port_error = mongo_driver.port_error
    assert shown(port_error(follower)) == "NotPrimaryError: 10107 NotWritablePrimary"
    assert shown(port_error(duplicate)) == f"DuplicateKeyError 11000: DuplicateKey: {index}"
    assert shown(port_error(bulk)) == f"BulkWriteError 65: 11000 DuplicateKey: {index}"
    assert shown(port_error(operator)) == "OperationFailure 2: BadValue"


def test_mongodb_shows_what_the_driver_rejects(client: MongoClient[Any]) -> None:
    class Person:
        def __repr__(self) -> str:
            return ALL

    people = client.get_default_database().people
    document = raised_by(lambda: people.insert_one({"phone": PHONE, "person": Person()}))
    url = raised_by(lambda: MongoClient(f"mongodb://asha:{CODE}@x:{PHONE}/Rao"))
    with MongoClient[Any](
        f"mongodb://asha:{CODE}@127.0.0.1:1/Rao", serverSelectionTimeoutMS=100
    ) as unreachable:
        refused = raised_by(unreachable.server_info)

    assert logged(document) == "bson.errors.InvalidDocument"
    assert "Port contains non-digit characters" in logged(url)
    line = "ServerSelectionTimeoutError: *: [Errno *] Connection refused"
    assert logged(refused) == f"pymongo.errors.{line}"
    assert shown(mongo_driver.port_error(refused)) == line
    open_mongo = mongo_driver.errors_while_opening("host/name")
    with pytest.raises(ConfigurationError) as opening, open_mongo:
        raise refused
    assert shown(opening.value).endswith(f"options of the URL ({line}).")


# SQLite


@pytest.mark.parametrize(
    ("sql", "line", "reason"),
    [
        (
            "INSERT INTO people VALUES (:all, 1), (:all, 2)",
            "IntegrityError (SQLITE_CONSTRAINT_UNIQUE): UNIQUE constraint failed: people.phone",
            "SQLITE_CONSTRAINT_UNIQUE: UNIQUE constraint failed: people.phone",
        ),
        (
            "INSERT INTO people VALUES (:all || 'x', 9), (:all || 'y', 9)",
            "IntegrityError (SQLITE_CONSTRAINT_UNIQUE): UNIQUE constraint failed: "
            "index 'people_by_age'",
            "SQLITE_CONSTRAINT_UNIQUE: UNIQUE constraint failed: index 'people_by_age'",
        ),
        (
            "SELECT :all FROM gone",
            "OperationalError (SQLITE_ERROR): no such table: gone",
            "SQLITE_ERROR: no such table: gone",
        ),
        (
            "SELECT json(:all)",
            "OperationalError (SQLITE_ERROR): malformed JSON",
            "SQLITE_ERROR: malformed JSON",
        ),
        (
            "SELECT CAST(x'ff41736861' AS text) AS word, :all",
            "OperationalError: Could not decode to * column *",
            "a column is not UTF-8: Could not decode",
        ),
    ],
)
def test_sqlite_shows_the_name_of_the_error_and_the_message(
    sql: str, line: str, reason: str
) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE people (phone TEXT UNIQUE, age INT)")
        connection.execute("CREATE UNIQUE INDEX people_by_age ON people (abs(age))")
        error = raised_by(lambda: connection.execute(sql, {"all": ALL}).fetchall())

    assert logged(error) == f"sqlite3.{line}"
    assert shown(to_port_error(error)).startswith(reason)


def test_sqlite_shows_that_a_file_is_damaged_and_not_what_is_in_it(tmp_path: Any) -> None:
    path = tmp_path / "records.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA writable_schema = ON; CREATE TABLE people (phone)")
        connection.execute(
            "UPDATE sqlite_schema SET name = :all, sql = 'CREATE ' || :all", {"all": ALL}
        )
        connection.commit()
    with closing(sqlite3.connect(path)) as connection:
        error = raised_by(lambda: connection.execute("SELECT * FROM people"))

    line = "malformed database schema"
    assert logged(error) == f"sqlite3.DatabaseError (SQLITE_CORRUPT): {line}"
    assert shown(to_port_error(error)) == (f"the database file is damaged: SQLITE_CORRUPT: {line}")


# S3


async def test_s3_shows_the_error_of_the_network() -> None:
    unreachable = get_session().create_client(
        "s3",
        region_name="x",
        aws_access_key_id=NAME,
        aws_secret_access_key=PASSWORD,
        endpoint_url="http://127.0.0.1:1",
        config=AioConfig(retries={"max_attempts": 0}),
    )
    async with unreachable as client:
        with pytest.raises(EndpointConnectionError) as raised:
            await client.get_object(Bucket="bucket", Key=PHONE)

    line = "ConnectionRefusedError: ECONNREFUSED"
    assert logged(raised.value) == f"botocore.exceptions.EndpointConnectionError: {line}"
    assert shown(files_unavailable(raised.value)) == f"cannot connect: {line}"


# HTTP and TLS


async def test_http_shows_the_error_of_the_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = f"http://asha:{CODE}@127.0.0.1:{port}/{TOKEN}?to={PHONE}"
    async with open_transport(Timeouts()) as transport:
        with pytest.raises(ConnectionFailed) as raised:
            await transport.request("POST", url, form={"To": PHONE, "Body": CODE})
    assert raised.value.details == "ConnectError: ECONNREFUSED"

    request = httpx.Request("POST", url)
    rejected = raised_by(httpx.Response(404, request=request, text=ALL).raise_for_status)
    assert logged(rejected).startswith("httpx.HTTPStatusError (404)")
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        pass
    assert logged(raised_by(lambda: socket.create_connection(("127.0.0.1", port)))) == (
        "ConnectionRefusedError (ECONNREFUSED)"
    )
    unknown = raised_by(lambda: socket.getaddrinfo(f"{TOKEN}.invalid", 443))
    assert logged(unknown).startswith("socket.gaierror: ")


async def test_http_shows_no_error_that_is_handled_by_the_request() -> None:
    async def close(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_transport(Timeouts()) as transport:
        try:
            raise LookupError("of another provider")
        except LookupError:
            with pytest.raises(NoResponse) as raised:
                await transport.request("POST", f"http://127.0.0.1:{port}")
    assert "provider" not in raised.value.details


def test_tls_shows_what_is_wrong_with_the_certificate() -> None:
    text = "certificate verify failed: Hostname mismatch, certificate is not valid for"
    error = ssl.SSLCertVerificationError(1, f"[SSL: SOME] {text} '{EMAIL}'. (_ssl.c:1006)")
    assert logged(error) == f"ssl.SSLCertVerificationError: [SSL: SOME] {text} *. (*)"


def test_twilio_shows_status_and_code() -> None:
    uri = f"/Accounts/AC{'1' * 32}/Messages.json?To={PHONE}"
    error = TwilioRestException(400, uri, f"{ALL} is not a phone number", 21211, "POST")

    assert logged(error) == "twilio.base.exceptions.TwilioRestException (400 21211)"
    assert logged(TwilioError(503, 20503)) == "adapters.twilio.client.TwilioError (503 20503)"


# Libraries


def test_libraries_show_what_their_messages_say_without_values() -> None:
    key = "k" * 32
    other = jwt.encode({"sub": PHONE}, key, algorithm="HS256")
    errors = {
        "jwt.exceptions.InvalidSignatureError: Signature verification failed": lambda: jwt.decode(
            other, "x" * 32, algorithms=["HS256"]
        ),
        "jwt.exceptions.DecodeError: Not enough segments": lambda: jwt.decode(NAME, key, ["HS256"]),
        "PIL.UnidentifiedImageError: cannot identify image file <_io.BytesIO *>": lambda: (
            Image.open(io.BytesIO(ALL.encode()))
        ),
        "UnicodeDecodeError: * codec can't decode byte * in position": (
            f"{ALL}\xff".encode("latin1").decode
        ),
        "KeyError": lambda: dict[str, str]()[ALL],
        "ValueError: invalid literal for int() with base *: *": lambda: int(ALL),
    }
    for line, call in errors.items():
        assert logged(raised_by(call)).startswith(line)
    pem = f"-----BEGIN PRIVATE KEY-----\n{TOKEN}\n-----END PRIVATE KEY-----"
    assert "ValueError" in logged(raised_by(lambda: load_pem_private_key(pem.encode(), None)))
