"""What the log shows of real errors of drivers and libraries, whose texts have secrets in them."""

import asyncio
import sqlite3
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import jwt
import msgspec
import psycopg
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from pymongo import InsertOne, MongoClient
from pymongo.errors import NotPrimaryError
from twilio.base.exceptions import TwilioRestException

import adapters.media.s3.errors
import adapters.messages.twilio.client  # noqa: F401 -- both know the codes of their libraries
from adapters.databases.mongo import driver as mongo_driver
from adapters.databases.postgres import driver as postgres_driver
from adapters.databases.postgres.database import open_pool
from adapters.databases.postgres.opening_errors import explain
from adapters.databases.postgres.url import parse_url
from adapters.databases.sqlite.errors import to_port_error, to_startup_error
from adapters.operations.logging.masking import format_exception
from adapters.shared.http import ConnectionFailed, NoResponse, Timeouts, open_transport
from application.ports.errors import PortError, StorageUnavailable
from tests.integration.adapters.databases.mongo.mongo_support import StandaloneMongo
from tests.support.certificates import CertificateAuthority
from tests.support.servers.http_server import open_tcp_server
from tests.support.servers.postgres import PostgresProcess

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
NO_HOST: Final = "no-such-host.invalid"
CLOSED: Final = "127.0.0.1:1"
MONGO_ERROR: Final = "pymongo.errors.ServerSelectionTimeoutError"


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


# Why nothing works, by every driver


async def postgresql(place: str) -> object:
    return await psycopg.AsyncConnection.connect(f"postgresql://asha:{CODE}@{place}/postgres")


async def mongodb(place: str) -> object:
    url = f"mongodb://asha:{CODE}@{place}/Rao?serverSelectionTimeoutMS=500"
    with MongoClient[Any](url) as client:
        return await asyncio.to_thread(client.server_info)


async def mongodb_login(place: str) -> object:
    with MongoClient[Any](f"mongodb://asha:{PASSWORD}@{place}/Rao") as client:
        return await asyncio.to_thread(client.Rao.people.find_one)


async def s3(place: str) -> object:
    config = AioConfig(retries={"max_attempts": 0})
    client = get_session().create_client(
        "s3", region_name="x", aws_access_key_id=NAME, aws_secret_access_key=PASSWORD,
        endpoint_url=f"http://{place}", config=config,
    )  # fmt: skip
    async with client as opened:
        return await opened.get_object(Bucket="bucket", Key=PHONE)


async def https(place: str) -> object:
    async with open_transport(Timeouts()) as transport:
        try:
            return await transport.request("POST", f"https://asha:{CODE}@{place}/{TOKEN}")
        except ConnectionFailed as error:
            # The log has it as the reason of an error of the port.
            raise PortError(error.reason, error.details) from None


async def fill_database(_: str) -> object:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript("PRAGMA max_page_count = 2; CREATE TABLE people (name)")
        return connection.execute("INSERT INTO people VALUES (?)", (ALL * 1000,))


@pytest.fixture(scope="module")
def postgres_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL that knows no password."""
    with PostgresProcess(tmp_path_factory.mktemp("protected") / "postgres") as process:
        process.server.execute("CREATE ROLE asha LOGIN PASSWORD 'x'")
        process.allow(
            "host all postgres 127.0.0.1/32 trust", "host all asha 127.0.0.1/32 scram-sha-256"
        )
        yield process.address


@pytest.fixture(scope="module")
def mongo_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MongoDB that knows no user."""
    with StandaloneMongo(tmp_path_factory.mktemp("protected") / "mongo", "--auth") as process:
        yield process.address


@pytest.fixture
def tls_place(tmp_path: Path) -> Iterator[str]:
    """A TLS server whose certificate nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CertificateAuthority(tmp_path).issue("server"))
    with open_tcp_server(lambda it: context.wrap_socket(it, server_side=True).close()) as port:
        yield f"127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("call", "place", "line"),
    [
        pytest.param(
            postgresql, NO_HOST, "psycopg.OperationalError (EAI_NONAME)", id="host-postgresql"
        ),
        pytest.param(mongodb, CLOSED, f"{MONGO_ERROR} (ECONNREFUSED)", id="refused-mongodb"),
        pytest.param(
            s3, CLOSED,
            "botocore.exceptions.EndpointConnectionError (ConnectionRefusedError ECONNREFUSED)",
            id="refused-s3", marks=pytest.mark.slow,
        ),
        pytest.param(
            https, "tls_place",
            "application.ports.errors.PortError: TLS: unable to get local issuer certificate: "
            "ConnectError CERTIFICATE_VERIFY_FAILED",
            id="certificate",
        ),
        pytest.param(
            mongodb_login, "mongo_place",
            "pymongo.errors.OperationFailure (18 AuthenticationFailed)", id="password-mongodb",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            fill_database, "", "sqlite3.OperationalError (SQLITE_FULL)", id="disk-sqlite"
        ),
    ],
)  # fmt: skip
async def test_the_log_has_class_and_code(
    request: pytest.FixtureRequest,
    call: Callable[[str], Awaitable[object]],
    place: str,
    line: str,
) -> None:
    if place.endswith("_place"):
        place = request.getfixturevalue(place)

    with pytest.raises(Exception) as raised:  # noqa: PT011 -- the line has its class
        await call(place)

    assert logged(raised.value) == line


@pytest.mark.slow
async def test_postgresql_says_in_our_words_why_there_is_no_connection(
    postgres_place: str,
) -> None:
    refused = raised_by(lambda: psycopg.connect(f"postgresql://asha:{CODE}@{CLOSED}/Rao"))
    password = raised_by(lambda: psycopg.connect(f"postgresql://asha:{CODE}@{postgres_place}/x"))

    assert shown(explain(refused, "host/name")) == (
        "host/name has no server that responds: start PostgreSQL there, or correct host and port "
        "of the URL (OperationalError ECONNREFUSED)."
    )
    assert shown(explain(password, "host/name")).startswith(
        "host/name rejects the user or the password: correct them in the URL"
    )
    async with open_pool(parse_url(f"postgresql://asha:{CODE}@{CLOSED}/x?timeout=0.5")) as database:
        with pytest.raises(StorageUnavailable) as raised:
            await database.read("SELECT 1")
    assert raised.value.reason == "there is no connection to a server that accepts writes"
    assert "ECONNREFUSED" in shown(raised.value)


# Errors of a statement


@pytest.mark.parametrize(
    ("sql", "values", "line"),
    [
        (
            "INSERT INTO people (phone) VALUES (%s), (%s)", (ALL, ALL),
            "UniqueViolation (23505)",
        ),
        ("SELECT %s::text::uuid", (ALL,), "InvalidTextRepresentation (22P02)"),
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
