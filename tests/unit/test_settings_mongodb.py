"""The address of a MongoDB: what is taken of it, and what is not."""

import pytest

from entrypoints.settings.kinds import MongoDatabase
from tests.support.settings import problem, settings


@pytest.mark.parametrize(
    "address",
    [
        "mongodb://127.0.0.1/dialtone",
        "mongodb://db.test:27017/dialtone",
        "mongodb://my_container:27017/dialtone",
        "mongodb://a:1,b:65535,[::1]:3,[fd00::1],10.0.0.1/dialtone?replicaSet=rs0",
        "mongodb://user:password@db.test/dialtone?authSource=admin&w=majority&tls=true",
        "mongodb://user:%3A%2F%3f%23%40%25$!+@db.test/dialtone",
        "mongodb://CN%3Ddialtone@db.test/dialtone?authMechanism=MONGODB-X509",
        "mongodb://db.test/dialtone?readPreferenceTags=dc:ny;readPreferenceTags=",
        "mongodb://db.test/dialtone?",
        "mongodb://%2Ftmp%2Fmongodb-27017.sock/dialtone",
        "mongodb://user:password@%2Frun%2Fa%20b.sock,db.test/dialtone",
        "mongodb+srv://user:password@cluster.db.test/dialtone?appName=dialtone",
        "mongodb+srv://cluster/dialtone",
        "mongodb://db.test/Dialtone_2-test",
        "mongodb://db.test/l%C3%A4ut",
        "mongodb://db.test/administration",
        f"mongodb://db.test/{'n' * 63}",
    ],
)
def test_an_address_is_taken_as_it_is_written(address: str) -> None:
    assert settings(DATABASE=address).database == MongoDatabase(address)
    assert settings(DATABASE=f" {address} ").database == MongoDatabase(address)


@pytest.mark.parametrize(
    "address",
    [
        "mongodb://me:top:s3cret@db.test/dialtone",
        "mongodb://me:top@s3cret@db.test/dialtone",
        "mongodb://me@tops3cret.test:x@db.test/dialtone",
        "mongodb://me:top/s3cret@db.test/dialtone",
        "mongodb://me:12/tops3cret@db.test",
        "mongodb://me:top?s3cret@db.test/dialtone",
        "mongodb://me:top#s3cret@db.test/dialtone",
        "mongodb://me:top%s3cret@db.test/dialtone",
        "mongodb://me:tops3cret%@db.test/dialtone",
        "mongodb://:tops3cret@db.test/dialtone",
        "mongodb://@db.test/dialtone",
        "mongodb://me:12/tops3cret?w=1@db.test/dialtone",
        "mongodb://db.test/dialtone?appName=top@s3cret",
        "mongodb://db.test/dialtone#tops3cret",
    ],
)
def test_what_has_to_be_escaped_is_told_and_not_quoted(address: str) -> None:
    line = problem(DATABASE=address)

    assert "are written %3A %2F %3F %23 %40 %25" in line
    assert "s3cret" not in line


@pytest.mark.parametrize(
    "hosts",
    [
        "", ",", "a,", ",a", "a,,b", "a:0", "a:65536", "a:x", "a:", ":1", "::1", "[::1", "[abcd]",
        "256.0.0.1", "a b", "%61", "%2Ftmp%2Fmongodb", "läut.test", "a:1:2", "[::1]x",
    ],
)  # fmt: skip
def test_hosts_that_no_driver_can_reach_are_refused(hosts: str) -> None:
    assert "The hosts of a MongoDB are" in problem(DATABASE=f"mongodb://{hosts}/dialtone")


@pytest.mark.parametrize("host", ["", "a:27017", "a,b", "10.0.0.1", "[::1]", "%2Fa.sock", "a,"])
def test_a_service_is_one_name_without_a_port(host: str) -> None:
    line = problem(DATABASE=f"mongodb+srv://{host}/dialtone")

    assert "one host, by its name, and no port" in line


@pytest.mark.parametrize(
    "address",
    [
        "mongodb://db.test",
        "mongodb://db.test/",
        "mongodb://db.test/?authSource=admin",
        "mongodb://db.test?authSource=admin",
        "mongodb+srv://cluster.db.test/",
    ],
)
def test_an_address_without_a_database_is_refused(address: str) -> None:
    assert "names the database" in problem(DATABASE=address)


@pytest.mark.parametrize(
    "name",
    [
        "a.b", "a$b", 'a"b', "a\\b", "a b", "a+b", "a%20b", "a%2Fb", "a%2Eb", "a%00b", "a%0Ab",
        "n" * 64, "%C3%A4" * 32, "admin", "Admin", "local", "config", "%61dmin",
    ],
)  # fmt: skip
def test_a_name_that_mongodb_forbids_or_keeps_for_itself_is_refused(name: str) -> None:
    assert "The name of the database" in problem(DATABASE=f"mongodb://db.test/{name}")


@pytest.mark.parametrize(
    "options", ["tls", "tls=true&", "&tls=true", "=true", "a=b=c", "a=1&b=2;c=3"]
)
def test_options_that_are_no_pairs_are_refused(options: str) -> None:
    assert "The options of a MongoDB" in problem(DATABASE=f"mongodb://db.test/name?{options}")


@pytest.mark.parametrize("text", ["MONGODB://db.test/name", "mongodb:/db.test/name", "mongodb"])
def test_what_only_resembles_such_an_address_is_told_what_is_taken(text: str) -> None:
    assert "Takes sqlite:///path from the current folder" in problem(DATABASE=text)
