"""What becomes of the driver's errors; no reason quotes the driver."""

import pytest
from bson.errors import InvalidBSON, InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    ExecutionTimeout,
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

SECRET = "+14155552671"
BULK_WRITE_TIMEOUT = {
    "writeErrors": [],
    "writeConcernErrors": [{"code": 64, "errInfo": {"wtimeout": True}}],
}
NOT_MAJORITY = {"writeErrors": [], "writeConcernErrors": [{"code": 91}]}
PRIMARY_LOST = {"writeErrors": [{"code": 11602, "index": 1}], "writeConcernErrors": []}
ONE_REJECTED = {"writeErrors": [{"code": 14, "index": 1}], "writeConcernErrors": []}
OTHER_SHARD_KEY = {"writeErrors": [{"code": 61, "index": 0}], "writeConcernErrors": []}
ID_TAKEN = {"code": 11000, "index": 3}


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (ServerSelectionTimeoutError(SECRET), StorageUnavailable, "ServerSelectionTimeoutError"),
        (BulkWriteError(OTHER_SHARD_KEY), StorageUnavailable, "BulkWriteError 61 ShardKeyNotFound"),
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
            ExecutionTimeout(SECRET, 50, {"errmsg": SECRET}),
            StorageTimeout,
            "ExecutionTimeout 50 MaxTimeMSExpired",
        ),
        (
            BulkWriteError(BULK_WRITE_TIMEOUT),
            StorageTimeout,
            "BulkWriteError 64 WriteConcernTimeout",
        ),
        # The primary wrote it, and perhaps loses it.
        (WriteConcernError(SECRET, 91), StorageTimeout, "WriteConcernError 91 ShutdownInProgress"),
        (BulkWriteError(NOT_MAJORITY), StorageTimeout, "BulkWriteError 91 ShutdownInProgress"),
        # Errors of some documents or values.
        (InvalidBSON(SECRET), CorruptRecord, "InvalidBSON"),
        (OperationFailure(SECRET, 301), CorruptRecord, "OperationFailure 301"),
        (
            OperationFailure(SECRET, 10334),
            OperationRejected,
            "OperationFailure 10334 BSONObjectTooLarge",
        ),
        (InvalidDocument(SECRET), OperationRejected, "InvalidDocument"),
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
        (OperationFailure(SECRET, 8000), "rejects the user or the password"),
        (OperationFailure(SECRET, 334), "does not accept the authMechanism"),
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
