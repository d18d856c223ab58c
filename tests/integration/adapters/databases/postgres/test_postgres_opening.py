"""Opening a database: its URL, its metadata, and the health check."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.databases.postgres.dialect import POSTGRES
from adapters.databases.sql.schema import schema
from application.ports.errors import ConfigurationError
from tests.integration.adapters.databases.openings import PASSWORD, POSTGRES_OPENING
from tests.support.servers.postgres import PostgresProcess, PostgresServer, execute

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresProcess]:
    """A server with users: `writer` owns the database `dialtone`, `reader` may read it."""
    folder: Path = tmp_path_factory.mktemp("protected")
    with PostgresProcess(folder / "postgres") as process:
        process.server.execute(
            f"CREATE ROLE writer LOGIN PASSWORD '{PASSWORD}'",
            f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}' IN ROLE pg_read_all_data",
            f"CREATE ROLE stranger LOGIN PASSWORD '{PASSWORD}'",
            "CREATE DATABASE dialtone OWNER writer",
        )
        process.allow(
            "host all postgres 127.0.0.1/32 trust",
            "host all writer,reader 127.0.0.1/32 scram-sha-256",
            "hostssl all stranger 127.0.0.1/32 scram-sha-256",
        )
        yield process


def url_of(process: PostgresProcess, user: str, name: str = "dialtone") -> str:
    return f"postgresql://{user}@{process.address}/{name}"


def query(url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("user", "name", "reason"),
    [
        (f"writer:{PASSWORD}x", "dialtone", "rejects the user or the password"),
        (f"nobody:{PASSWORD}", "dialtone", "does not let this user connect from this host"),
        (f"stranger:{PASSWORD}", "dialtone", "sslmode=require"),
        (f"writer:{PASSWORD}", "no_such_name", "does not exist: create it"),
        (f"writer:{PASSWORD}", "dialtone?sslmode=require", "does not use TLS"),
    ],
)
async def test_a_server_that_does_not_let_the_user_in_is_an_error(
    protected: PostgresProcess, user: str, name: str, reason: str
) -> None:
    assert reason in await POSTGRES_OPENING.error(url_of(protected, user, name))


@pytest.mark.parametrize(
    ("is_new", "reason"),
    [
        (True, "no schema in which this user may create tables"),
        (False, "does not let this user read and write"),
    ],
)
async def test_a_user_who_may_only_read_is_an_error(
    protected: PostgresProcess, is_new: bool, reason: str
) -> None:
    name = "new" if is_new else "existing"
    protected.server.execute(f"CREATE DATABASE {name} OWNER writer")
    if not is_new:
        await POSTGRES_OPENING.create(url_of(protected, f"writer:{PASSWORD}", name))

    assert reason in await POSTGRES_OPENING.error(url_of(protected, f"reader:{PASSWORD}", name))


async def test_a_database_of_another_encoding_is_an_error(
    postgres_server: PostgresServer,
) -> None:
    with suppress(psycopg.errors.DuplicateDatabase):
        postgres_server.execute(
            "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
        )

    assert "its encoding is not UTF8" in await POSTGRES_OPENING.error(
        postgres_server.database_url("latin")
    )
    postgres_server.execute("DROP DATABASE latin WITH (FORCE)")


async def test_a_read_only_server_is_an_error(
    postgres_server: PostgresServer, postgres_database: str
) -> None:
    name = postgres_database.rpartition("/")[2].partition("?")[0]
    postgres_server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")

    assert "is read-only: name the primary" in await POSTGRES_OPENING.error(postgres_database)


async def test_missing_tables_and_indexes_are_created_and_others_stay(
    postgres_database: str,
) -> None:
    await POSTGRES_OPENING.create(postgres_database)
    execute(
        postgres_database,
        "DROP TABLE calls",
        "DROP INDEX identities_username_key",
        "CREATE TABLE another (name text)",
        "CREATE INDEX another_index ON identities (version)",
    )

    await POSTGRES_OPENING.create(postgres_database)

    names = query(postgres_database, "SELECT relname FROM pg_class")
    assert {created.name for created in schema(POSTGRES)} | {"another", "another_index"} <= {
        name for (name,) in names
    }


async def test_an_invalid_index_is_an_error(postgres_database: str) -> None:
    await POSTGRES_OPENING.create(postgres_database)
    execute(
        postgres_database,
        "UPDATE pg_index SET indisvalid = false "
        "WHERE indexrelid = 'identities_username_key'::regclass",
    )

    problem = "being built, identities_username_key: wait until `dialtone migrate`"
    with pytest.raises(ConfigurationError, match=problem):
        await POSTGRES_OPENING.create(postgres_database)


async def test_a_refused_index_is_named_with_what_the_server_lacks(
    protected: PostgresProcess,
) -> None:
    protected.server.execute("CREATE DATABASE refusing")
    url = url_of(protected, "postgres", "refusing")
    # As a server does that only speaks the protocol of PostgreSQL.
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION USING ERRCODE = '0A000'; END $$"
        )
        connection.execute(
            "CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE INDEX') "
            "EXECUTE FUNCTION refuse()"
        )

    with pytest.raises(ConfigurationError) as error:
        await POSTGRES_OPENING.create(url)

    assert str(error.value).startswith(
        f"{protected.address}/refusing refuses the index phone_verifications_expires_at of "
        "phone_verifications (expires_at, id) (FeatureNotSupported 0A000): Dialtone needs a server "
        "with partial indexes and indexes of several fields."
    )
