"""What becomes of the driver's errors; no reason quotes the driver."""

from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg import errors

from adapters.databases.postgres.driver import port_error
from adapters.databases.postgres.opening_errors import errors_while_opening, explain
from adapters.databases.postgres.url import parse_url
from application.ports.errors import (
    ConfigurationError,
    CorruptRecord,
    OperationRejected,
    StorageTimeout,
    StorageUnavailable,
    UniqueViolation,
)

SECRET: Final = "+14155552671"


@pytest.mark.parametrize(
    ("error", "is_write", "expected", "message"),
    [
        (errors.UniqueViolation(SECRET), True, UniqueViolation, "UniqueViolation 23505"),
        # The server has said that it did nothing.
        (errors.AdminShutdown(SECRET), True, StorageUnavailable, "AdminShutdown 57P01"),
        (errors.DataCorrupted(SECRET), False, CorruptRecord, "the table or an index is damaged"),
        # It has said nothing.
        (psycopg.OperationalError(SECRET), True, StorageTimeout, "the connection was lost"),
        (psycopg.OperationalError(SECRET), False, StorageUnavailable, "the connection was lost"),
        # A pooler has said it, which knows no more.
        (errors.ProtocolViolation(SECRET), True, StorageTimeout, "the connection was lost"),
        # Errors of some rows or values.
        (psycopg.DataError(SECRET), True, OperationRejected, "DataError"),
        # Another transaction wants the same rows.
        (errors.DeadlockDetected(SECRET), True, OperationRejected, "DeadlockDetected 40P01"),
        (errors.InternalError_(SECRET), False, OperationRejected, "InternalError_ XX000"),
    ],
)
def test_the_reason_is_the_type_of_the_error_and_its_code(
    error: psycopg.Error, is_write: bool, expected: type[Exception], message: str
) -> None:
    result = port_error(error, is_write=is_write)

    assert isinstance(result, expected)
    assert isinstance(result, StorageTimeout) is (expected is StorageTimeout)
    assert result.reason == message


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (psycopg.OperationalError(SECRET), "no server that responds"),
        (psycopg.OperationalError(f"FATAL:  sorry, too many clients {SECRET}"), "max_connections"),
        (psycopg.OperationalError(f"failed to resolve host '{SECRET}'"), "cannot be resolved"),
        (
            psycopg.OperationalError("channel binding required, but SSL not in use"),
            "drop channel_binding",
        ),
        (
            # The end of it is also that of a wrong password.
            psycopg.OperationalError("channel binding not supported by server's authentication"),
            "drop channel_binding",
        ),
        (psycopg.OperationalError("server is not in hot standby mode"), "target_session_attrs"),
        (psycopg.OperationalError("session is not read-only"), "target_session_attrs"),
        (psycopg.OperationalError("server is in hot standby mode"), "name the primary"),
        (
            psycopg.OperationalError('connection is bad: invalid channel_binding value: "x"'),
            "a wrong value of channel_binding",
        ),
        (
            psycopg.OperationalError('invalid integer value "x" for connection option "port"'),
            "a wrong value of port",
        ),
        (psycopg.ProgrammingError("bad value for connect_timeout: 'x'"), "of connect_timeout"),
        (
            psycopg.OperationalError(
                'method requirement "x" failed: authentication method requirement'
            ),
            "require_auth",
        ),
        (psycopg.OperationalError('weak sslmode "require" may not be used'), "stricter sslmode"),
        (
            psycopg.OperationalError(
                'root certificate file "/h/.postgresql/root.crt" does not exist'
            ),
            "has no sslrootcert",
        ),
        (
            psycopg.OperationalError('could not read "/h/.postgresql/root.crt": no certificate'),
            "~/.postgresql/root.crt of this user cannot be used",
        ),
        (
            psycopg.OperationalError(f"connection requires a valid client certificate {SECRET}"),
            "requires a client certificate",
        ),
        (
            errors.ProtocolViolation(f"query_wait_timeout {SECRET}"),
            "has no connection to PostgreSQL",
        ),
        (errors.InsufficientPrivilege(SECRET), "does not let this user read and write"),
        (psycopg.ProgrammingError(SECRET), "cannot be opened (ProgrammingError)"),
    ],
)
def test_an_error_while_opening_says_what_the_operator_can_do(
    error: Exception, message: str
) -> None:
    with pytest.raises(ConfigurationError) as raised, errors_while_opening("host/name"):
        raise error

    assert "host/name" in str(raised.value)
    assert message in str(raised.value)
    assert SECRET not in str(raised.value)


def test_a_file_of_authorities_in_the_home_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    error = psycopg.OperationalError("SSL error: certificate verify failed")
    assert "root.crt" not in explain(error, "host/name")
    (tmp_path / ".postgresql").mkdir()
    (tmp_path / ".postgresql/root.crt").touch()
    assert "~/.postgresql/root.crt of this user counts" in explain(error, "host/name")


@pytest.mark.parametrize("option", ["sslrootcert", "sslcert", "sslcrl"])
def test_a_named_file_that_is_missing_is_an_error_though_libpq_goes_on(
    tmp_path: Path, option: str
) -> None:
    file = tmp_path / "file.pem"
    url = f"postgresql://u:s3cret@a/name?{option}={file}&sslmode="
    with pytest.raises(ConfigurationError, match=f"file of {option} in the URL of a/name is not"):
        parse_url(f"{url}require")
    parse_url(f"{url}disable")
    parse_url("postgresql://a/name?sslmode=verify-full&sslrootcert=system")
    file.touch()
    parse_url(f"{url}require")


def test_a_url_names_its_own_options_and_those_of_libpq() -> None:
    url = parse_url("postgresql://u:p@a:1,b:2/name?pool_size=3&sslmode=require&timeout=0.5")

    assert (url.location, url.pool_size, url.timeout_seconds) == ("a:1,b:2/name", 3, 0.5)
    assert url.parameters["sslmode"] == "require"
    assert url.parameters["target_session_attrs"] == "read-write"
    assert "pool_size" not in url.parameters
    socket = parse_url("postgresql://%2Frun%2Fpostgresql/name?target_session_attrs=primary")
    assert socket.location == "/run/postgresql/name"
    assert socket.parameters["target_session_attrs"] == "primary"
    assert parse_url("postgresql:///name").location == "localhost/name"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1/dialtone", "not of the form"),
        (
            "postgresql://u:s3cret@a/dialtone?pgbouncer=true",
            "of a/dialtone has the option pgbouncer",
        ),
        ("postgresql://u:p/w?scret=s3cret@a/dialtone", "not of the form"),
        ("postgresql://u:p@127.0.0.1/dialtone?s3cret", "not of the form"),
        ("postgresql://u:s3cret@127.0.0.1/?pool_size=1", "names no database"),
        ("postgresql://u:s3cret@127.0.0.1/dialtone?pool_size=0", "invalid pool_size"),
        ("postgresql://u:s3cret@127.0.0.1/dialtone?timeout=soon", "invalid timeout"),
    ],
)
def test_an_invalid_url_is_an_error(url: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as raised:
        parse_url(url)

    assert "s3cret" not in str(raised.value)
