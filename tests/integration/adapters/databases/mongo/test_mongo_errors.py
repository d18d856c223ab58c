"""What becomes of the driver's errors; no reason quotes the driver."""

from pathlib import Path

import pytest
from bson.errors import InvalidBSON
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
)
from pymongo.errors import ConfigurationError as MongoConfigurationError

from adapters.databases.mongo.driver import (
    BulkWriteStopped,
    WritesRejected,
    errors_while_opening,
    port_error,
)
from application.ports.errors import (
    ConfigurationError,
    CorruptRecord,
    OperationRejected,
    StorageTimeout,
    StorageUnavailable,
    UniqueViolation,
)
from tests.integration.adapters.databases.openings import MONGO_OPENING, PASSWORD
from tests.support.certificates import CertificateAuthority, encrypt_key

SECRET = "+14155552671"
BULK_WRITE_TIMEOUT = {
    "writeErrors": [],
    "writeConcernErrors": [{"code": 64, "errInfo": {"wtimeout": True}}],
}
PRIMARY_LOST = {"writeErrors": [{"code": 11602, "index": 1}], "writeConcernErrors": []}
ONE_REJECTED = {"writeErrors": [{"code": 14, "index": 1}], "writeConcernErrors": []}
ID_TAKEN = {"code": 11000, "index": 3}


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (ServerSelectionTimeoutError(SECRET), StorageUnavailable, "ServerSelectionTimeoutError"),
        (
            BulkWriteError(PRIMARY_LOST),
            StorageUnavailable,
            "BulkWriteError 11602 InterruptedDueToReplStateChange",
        ),
        (
            DuplicateKeyError(SECRET, 11000, {"keyValue": {"a": SECRET}}),
            UniqueViolation,
            "DuplicateKeyError 11000 DuplicateKey",
        ),
        # Timeouts of an operation that was sent.
        (NetworkTimeout(SECRET), StorageTimeout, "NetworkTimeout"),
        # The connection was lost, perhaps after it was sent.
        (AutoReconnect(SECRET), StorageTimeout, "AutoReconnect"),
        (
            BulkWriteError(BULK_WRITE_TIMEOUT),
            StorageTimeout,
            "BulkWriteError 64 WriteConcernTimeout",
        ),
        # The primary wrote it, and perhaps loses it.
        (WriteConcernError(SECRET, 91), StorageTimeout, "WriteConcernError 91 ShutdownInProgress"),
        # Errors of some documents or values.
        (InvalidBSON(SECRET), CorruptRecord, "InvalidBSON"),
        (
            OperationFailure(SECRET, 10334),
            OperationRejected,
            "OperationFailure 10334 BSONObjectTooLarge",
        ),
        (BulkWriteError(ONE_REJECTED), WritesRejected, "BulkWriteError 14 TypeMismatch"),
    ],
)
def test_the_reason_is_the_type_of_the_error_and_its_code(
    error: Exception, expected: type[Exception], message: str
) -> None:
    result = port_error(error)

    assert isinstance(result, expected)
    assert isinstance(result, StorageTimeout) is (expected is StorageTimeout)
    assert result.reason == message


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (AutoReconnect(SECRET), "no server that accepts writes"),
        (MongoConfigurationError(SECRET), "the driver rejects the URL, or the SRV and TXT records"),
        (OperationFailure(SECRET, 18), "rejects the user or the password"),
        (OperationFailure(SECRET, 13), "does not let this user read and write"),
        (PyMongoError(SECRET), "cannot be opened (PyMongoError)"),
    ],
)
def test_an_error_while_opening_says_what_the_operator_can_do(
    error: Exception, message: str
) -> None:
    with pytest.raises(ConfigurationError) as raised, errors_while_opening("host/name"):
        raise error

    assert str(raised.value).startswith("host/name ")
    assert message in str(raised.value)
    assert SECRET not in str(raised.value)


def test_a_bulk_write_that_was_stopped_says_how_much_is_written() -> None:
    stopped = {"writeErrors": [ID_TAKEN], "writeConcernErrors": []}

    result = port_error(BulkWriteError(stopped))

    assert isinstance(result, BulkWriteStopped)
    assert result.written_count == 3
    # Whether the others are durable is not known.
    not_durable = BulkWriteError({**BULK_WRITE_TIMEOUT, "writeErrors": [ID_TAKEN]})
    assert not isinstance(port_error(not_durable), BulkWriteStopped)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (f"mongodb://user:p@ss{PASSWORD}@127.0.0.1/dialtone", "not of the form mongodb://host/d"),
        (f"mongodb://user:{PASSWORD}@localhost/?timeoutMS=100", "names no database"),
        (f"mongodb://user:{PASSWORD}@localhost:port/dialtone", "The driver rejects the URL"),
    ],
)
async def test_an_invalid_url_is_an_error(url: str, reason: str) -> None:
    assert reason in await MONGO_OPENING.error(url)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("tlsCAFile={folder}/missing.pem", "of tlsCAFile cannot be read (No such file"),
        ("tlsCAFile={folder}/text.pem", "text.pem of tlsCAFile is invalid"),
        ("tlsCertificateKeyFile={folder}/client.key.pem", "is encrypted: write its password"),
        (
            "tlsCertificateKeyFile={folder}/client.key.pem&tlsCertificateKeyFilePassword=no",
            "tlsCertificateKeyFilePassword is not the password",
        ),
        ("authMechanism=SCRAM-SHA-256", "needs a user"),
    ],
)
async def test_files_and_options_that_the_driver_cannot_use_are_named(
    tmp_path: Path, options: str, reason: str
) -> None:
    authority = CertificateAuthority(tmp_path)
    encrypt_key(authority.issue("client"), "a secret")
    (tmp_path / "text.pem").write_text("no certificate")

    error = await MONGO_OPENING.error(
        f"mongodb://127.0.0.1/dialtone?{options.format(folder=tmp_path)}"
    )

    assert error.startswith("127.0.0.1/dialtone cannot be used, because ")
    assert reason in error
