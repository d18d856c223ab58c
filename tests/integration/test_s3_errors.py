import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError, UnknownServiceError

from adapters.s3 import MediaStoreNotUsable, Patience, S3Files
from adapters.s3.errors import at_run_time
from application.ports.errors import FilesUnavailable
from tests.fakes.clock import MovableClock
from tests.integration.s3_folders import IMPATIENT, JPEG, KEY, OTHER, S3Place, content_of
from tests.servers import behaviours
from tests.servers.behaviours import in_turn, says
from tests.servers.loopback import Asked, Behaviour, Exchange, Loopback
from tests.servers.s3_bucket import S3Bucket
from tests.servers.s3_server import S3Server

SECRET = "the-secret-of-this-test"
WELL = says(200, headers={"ETag": '"one"'})
HTML = b"<!DOCTYPE html><html><body><p>It works!</body></html>"


def refuses(status: int, code: str) -> Behaviour:
    """Answers as S3 does, with words that had better not be passed on."""
    xml = f"<Error><Code>{code}</Code><Message>words about {SECRET}</Message></Error>"
    return says(status, f'<?xml version="1.0" encoding="UTF-8"?>{xml}'.encode())


@pytest.fixture
def store() -> Iterator[Loopback]:
    """A store that agrees to everything, until it is told otherwise."""
    with Loopback(WELL) as store:
        yield store


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def place(store: Loopback, clock: MovableClock) -> S3Place:
    server = S3Server(store.url, "the-key-of-this-test", SECRET, "us-east-1", "pictures")
    return S3Place(server, prefix="small", clock=clock)


@pytest.fixture
async def files(place: S3Place) -> AsyncIterator[S3Files]:
    async with place.opened() as files:
        yield files


async def cause_of(files: S3Files) -> str:
    """Why a file could not be stored, after it was tried once more."""
    with pytest.raises(FilesUnavailable) as refused:
        await files.write(KEY, b"one", JPEG)
    assert refused.value.__cause__ is None
    return str(refused.value)


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        (404, "NoSuchBucket", "no such bucket"),
        (403, "AccessDenied", "access denied"),
        (403, "AllAccessDisabled", "access denied"),
        (403, "SomethingNew", "access denied"),
        (403, "InvalidAccessKeyId", "the credentials are refused"),
        (403, "SignatureDoesNotMatch", "the credentials are refused"),
        (400, "ExpiredToken", "the credentials are refused"),
        (403, "RequestTimeTooSkewed", "the clocks differ too much"),
        (400, "AuthorizationHeaderMalformed", "the bucket is in another region"),
        (301, "PermanentRedirect", "the bucket is in another region"),
        (503, "SlowDown", "it asks to slow down"),
        (429, "TooManyRequests", "it asks to slow down"),
        (507, "XMinioStorageFull", "it is full"),
        (507, "InsufficientStorage", "it is full"),
        (500, "InternalError", "it answers with 500"),
        (409, "OperationAborted", "it answers with 409"),
    ],
)
async def test_what_the_store_refuses_has_a_cause_in_our_own_words(
    store: Loopback, files: S3Files, status: int, code: str, cause: str
) -> None:
    store.behaviour = refuses(status, code)

    assert await cause_of(files) == cause


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (behaviours.hangs_up, "the connection broke"),
        (says(418, HTML), "it answers with 418"),
        (says(200, HTML), "it answers with 500"),  # what the library makes of it
    ],
)
async def test_a_store_that_breaks_has_a_cause_as_well(
    store: Loopback, files: S3Files, behaviour: Behaviour, cause: str
) -> None:
    store.behaviour = behaviour

    assert await cause_of(files) == cause


def test_what_nobody_foresaw_is_named_and_not_quoted() -> None:
    error = UnknownServiceError(service_name=SECRET, known_service_names=[])

    assert str(at_run_time(error)) == "UnknownServiceError"


async def test_a_store_that_says_nothing_is_not_waited_for(store: Loopback, place: S3Place) -> None:
    place.patience = IMPATIENT
    async with place.opened() as files:
        store.behaviour = behaviours.hangs

        assert await cause_of(files) == "no answer in time"


async def test_an_answer_that_drips_is_not_waited_for(store: Loopback, place: S3Place) -> None:
    place.patience = Patience(request=0.3)
    async with place.opened() as files:
        store.behaviour = behaviours.drips(403)

        assert await cause_of(files) == "no answer in time"


async def test_a_store_where_nobody_listens_any_more_cannot_be_connected_to(
    place: S3Place,
) -> None:
    with Loopback(WELL) as store:
        place.endpoint = store.url
        files = await (opening := place.opened()).__aenter__()
    assert await cause_of(files) == "cannot connect"
    await opening.__aexit__(None, None, None)


async def test_whatever_is_asked_of_a_store_that_refuses_says_so(
    store: Loopback, files: S3Files
) -> None:
    store.behaviour = refuses(403, "AccessDenied")

    for ask in (
        lambda: files.write(KEY, bytes(9_000_000), JPEG),
        lambda: files.open_file(KEY),
        lambda: files.delete(KEY),
        lambda: files.delete_unfinished(MovableClock().now()),
        files.check,
    ):
        with pytest.raises(FilesUnavailable, match=r"^access denied$"):
            await ask()


@pytest.mark.parametrize("answer", [b"", b"<x/>"])
async def test_an_answer_that_lacks_what_s3_says_is_no_success(
    store: Loopback, files: S3Files, answer: bytes
) -> None:
    store.behaviour = says(200, answer, {"ETag": '"one"'})

    with pytest.raises(FilesUnavailable, match=r"^what answers there does not speak S3$"):
        await files.write(KEY, bytes(9_000_000), JPEG)


async def test_a_file_without_a_length_is_not_read(store: Loopback, files: S3Files) -> None:
    def chunked(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n")

    store.behaviour = chunked

    with pytest.raises(FilesUnavailable, match=r"^what answers there does not speak S3$"):
        await files.open_file(KEY)


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (behaviours.breaks_off(200, bytes(1000)), "the connection broke"),
        (behaviours.stalls(200, bytes(1000)), "no answer in time"),
    ],
)
async def test_a_file_that_does_not_come_to_its_end_says_so(
    store: Loopback, place: S3Place, behaviour: Behaviour, cause: str
) -> None:
    place.patience = IMPATIENT
    async with place.opened() as files:
        store.behaviour = behaviour
        file = await files.open_file(KEY)
        assert file is not None

        with pytest.raises(FilesUnavailable, match=f"^{cause}$"):
            async for _ in file.chunks:
                pass


@pytest.mark.parametrize("trouble", [refuses(503, "SlowDown"), behaviours.hangs_up])
async def test_a_passing_trouble_is_not_even_noticed(
    store: Loopback, files: S3Files, trouble: Behaviour
) -> None:
    store.behaviour = in_turn(trouble, WELL)
    before = len(store.asked)

    await files.write(KEY, b"one", JPEG)

    assert store.asked[before:] == [Asked("PUT", f"/pictures/small/{KEY}")] * 2


async def test_what_the_store_refuses_for_good_is_asked_once(
    store: Loopback, files: S3Files
) -> None:
    store.behaviour = refuses(403, "AccessDenied")
    before = len(store.asked)

    await cause_of(files)

    assert len(store.asked) == before + 1


async def test_a_store_that_minds_removing_what_is_not_there_makes_no_difference(
    store: Loopback, files: S3Files
) -> None:
    store.behaviour = refuses(404, "NoSuchKey")

    await files.delete(KEY)


async def test_an_upload_that_somebody_else_discards_meanwhile_is_not_counted(
    store: Loopback, files: S3Files, clock: MovableClock
) -> None:
    upload = "<Upload><Key>small/{}</Key><UploadId>{}</UploadId><Initiated>{}</Initiated></Upload>"
    begun = f"{clock.now():%Y-%m-%dT%H:%M:%S.000Z}"
    listed = "".join(upload.format(key, number, begun) for number, key in enumerate((KEY, OTHER)))
    store.behaviour = in_turn(
        says(200, f"<ListMultipartUploadsResult>{listed}</ListMultipartUploadsResult>".encode()),
        refuses(404, "NoSuchUpload"),
        says(204),
    )

    assert await files.delete_unfinished(clock.now() + timedelta(hours=1)) == 1


async def test_only_what_was_begun_before_then_is_discarded(
    store: Loopback, files: S3Files, clock: MovableClock
) -> None:
    upload = "<Upload><Key>k</Key><UploadId>1</UploadId><Initiated>{}</Initiated></Upload>"
    begun = upload.format(f"{clock.now():%Y-%m-%dT%H:%M:%S.000Z}")
    listed = f"<ListMultipartUploadsResult>{begun}</ListMultipartUploadsResult>".encode()
    store.behaviour = in_turn(says(200, listed), says(200, listed), says(204))

    assert await files.delete_unfinished(clock.now()) == 0
    assert await files.delete_unfinished(clock.now() + timedelta(milliseconds=1)) == 1


async def test_a_look_proves_now_and_then_that_files_can_be_written(
    store: Loopback, files: S3Files, clock: MovableClock
) -> None:
    assert [asked.method for asked in store.asked] == ["HEAD", "PUT", "DELETE"]

    await asyncio.gather(*(files.check() for _ in range(5)))
    assert [asked.method for asked in store.asked[3:]] == ["HEAD"] * 5

    clock.advance(timedelta(minutes=1))
    await files.check()
    assert [asked.method for asked in store.asked[8:]] == ["HEAD", "PUT", "DELETE"]


async def test_a_proof_of_a_clock_that_stepped_back_since_counts_for_nothing(
    store: Loopback, files: S3Files, clock: MovableClock
) -> None:
    clock.advance(-timedelta(hours=1))
    await files.check()
    await files.check()
    assert [asked.method for asked in store.asked[3:]] == ["HEAD", "PUT", "DELETE", "HEAD"]


async def test_a_removal_is_not_waited_for_as_long_as_an_upload(
    place: S3Place, store: Loopback
) -> None:
    place.patience = Patience(removal=0.1)
    async with place.opened() as files:
        store.behaviour = behaviours.hangs
        with pytest.raises(FilesUnavailable, match=r"^no answer in time$"):
            await files.delete("key.png")


async def test_a_store_that_can_only_be_read_does_not_work(
    store: Loopback, files: S3Files, clock: MovableClock
) -> None:
    def read_only(exchange: Exchange) -> None:
        (WELL if exchange.asked.method == "HEAD" else refuses(403, "AccessDenied"))(exchange)

    store.behaviour = read_only
    clock.advance(timedelta(minutes=1))

    for _ in range(2):
        with pytest.raises(FilesUnavailable, match=r"^access denied$"):
            await files.check()


async def test_a_look_leaves_nothing_behind(s3_server: S3Server) -> None:
    place = S3Place(s3_server)
    async with place.opened() as files:
        await files.check()

    assert S3Bucket(s3_server).keys(place.prefix) == []


async def test_a_look_says_which_of_key_and_permission_is_missing(
    store: Loopback, files: S3Files
) -> None:
    def forbids(exchange: Exchange) -> None:
        (says(403) if exchange.asked.method == "HEAD" else refuses(403, "InvalidAccessKeyId"))(
            exchange
        )

    store.behaviour = forbids

    with pytest.raises(FilesUnavailable, match=r"^the credentials are refused$"):
        await files.check()


async def test_a_bucket_that_may_not_be_looked_at_but_listed_will_do(
    store: Loopback, files: S3Files
) -> None:
    def forbids(exchange: Exchange) -> None:
        (says(403) if exchange.asked.method == "HEAD" else WELL)(exchange)

    store.behaviour = forbids

    await files.check()


async def refusal_of(place: S3Place) -> str:
    with pytest.raises(MediaStoreNotUsable) as refused:
        async with place.opened():
            pass
    assert place.server.secret_key not in str(refused.value)
    return str(refused.value)


async def test_a_bucket_that_is_missing_is_not_made(s3_server: S3Server) -> None:
    missing = S3Server(
        s3_server.endpoint, s3_server.access_key, s3_server.secret_key, bucket="no-such-bucket"
    )

    assert await refusal_of(S3Place(missing)) == (
        f"The media store s3://no-such-bucket at {s3_server.endpoint} cannot be used, "
        "no such bucket: make it, or name another one."
    )

    with pytest.raises(ClientError, match="404"):
        S3Bucket(s3_server).client.head_bucket(Bucket="no-such-bucket")


@pytest.mark.parametrize(
    ("access_key", "secret_key"), [("", "another secret"), ("another key", "")]
)
async def test_credentials_that_are_refused_are_not_taken(
    s3_server: S3Server, access_key: str, secret_key: str
) -> None:
    stranger = S3Server(
        s3_server.endpoint,
        access_key or s3_server.access_key,
        secret_key or s3_server.secret_key,
        bucket=s3_server.bucket,
    )

    assert await refusal_of(S3Place(stranger)) == (
        f"The media store s3://{s3_server.bucket} at {s3_server.endpoint} cannot be used, "
        "the credentials are refused: check the access key and its secret."
    )


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        (behaviours.hangs_up, "the connection broke: check its address and the network."),
        (says(404), "no such bucket: make it, or name another one."),
        (says(301), "the bucket is in another region: name its region."),
        (says(400), "it answers with 400: check its address and its own log."),
        (
            in_turn(says(400), refuses(400, "AuthorizationHeaderMalformed")),
            "the bucket is in another region: name its region.",
        ),
        (in_turn(WELL, refuses(507, "Full")), "it is full: free some space and start again."),
        (
            in_turn(WELL, refuses(403, "AccessDenied")),
            "access denied: let the key list the bucket, and put, get and delete its objects.",
        ),
    ],
)
async def test_a_store_that_cannot_be_used_stops_the_start_with_a_way_out(
    store: Loopback, place: S3Place, behaviour: Behaviour, sentence: str
) -> None:
    store.behaviour = behaviour

    assert await refusal_of(place) == (
        f"The media store s3://pictures at {store.url} cannot be used, {sentence}"
    )


async def test_a_store_that_says_nothing_stops_the_start(store: Loopback, place: S3Place) -> None:
    place.patience = IMPATIENT
    store.behaviour = behaviours.hangs

    assert await refusal_of(place) == (
        f"The media store s3://pictures at {store.url} cannot be used, "
        "no answer in time: check its address and the network."
    )


async def test_an_endpoint_where_nobody_listens_stops_the_start(place: S3Place) -> None:
    with Loopback(WELL) as gone:
        place.endpoint = gone.url

    assert await refusal_of(place) == (
        f"The media store s3://pictures at {gone.url} cannot be used, "
        "cannot connect: check its address and the network."
    )


@pytest.mark.parametrize(
    "server",
    [
        S3Server("not an address", "the-key", SECRET),
        S3Server("http://127.0.0.1:1", "the-key", SECRET, bucket="NO BUCKET"),
        S3Server("http://127.0.0.1:1", "the-key", SECRET, region="no region"),
    ],
)
async def test_names_that_cannot_be_stop_the_start(server: S3Server) -> None:
    assert "no such name is possible: check" in await refusal_of(S3Place(server))


async def test_a_file_that_is_not_there_is_none_while_the_store_is_there(
    s3_server: S3Server,
) -> None:
    async with S3Place(s3_server).opened() as files:
        assert await content_of(files) is None
