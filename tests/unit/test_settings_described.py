"""What the operator is shown of the settings."""

from pathlib import Path

import pytest

from entrypoints.settings import describe, read_settings
from entrypoints.settings.kinds import Origin
from entrypoints.settings.table import VARIABLES
from entrypoints.settings.variable import Variable

SID = "0123456789abcdef0123456789abcdef"
TWILIO = {
    "DIALTONE_SMS": "twilio",
    "DIALTONE_COUNTRIES": "IN",
    "TWILIO_ACCOUNT_SID": f"AC{SID}",
    "TWILIO_AUTH_TOKEN": "tops3cret",
    "TWILIO_FROM": "Acme",
}
S3 = {
    "DIALTONE_MEDIA": "s3://pictures",
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": "tops3cret",
}


def shown(environ: dict[str, str]) -> dict[str, str]:
    return {one.name: one.shown for one in describe(read_settings(environ, None))}


def test_each_variable_stands_there_with_its_value_and_where_it_is_from(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("DIALTONE_BIND=0.0.0.0:9000\nDIALTONE_WORKERS=2\nAWS_REGION=eu-west-3\n")

    described = {
        one.name: (one.shown, one.origin)
        for one in describe(read_settings({"DIALTONE_WORKERS": "3"}, env_file))
    }

    assert described["DIALTONE_BIND"] == ("0.0.0.0:9000", Origin.ENV_FILE)
    assert described["DIALTONE_WORKERS"] == ("3", Origin.ENVIRONMENT)
    assert described["DIALTONE_PUBLIC_URL"] == ("http://127.0.0.1:9000", Origin.DEFAULT)
    assert described["DIALTONE_COUNTRIES"] == ("", Origin.DEFAULT)
    assert described["AWS_REGION"] == ("eu-west-3", Origin.ENV_FILE)
    assert described["TWILIO_FROM"] == ("", Origin.DEFAULT)


@pytest.mark.parametrize("environ", [{}, TWILIO, S3, TWILIO | S3])
def test_the_order_is_the_tables_whatever_is_used(environ: dict[str, str]) -> None:
    assert list(shown(environ)) == [variable.name for variable in VARIABLES]


def test_a_secret_is_not_shown_whether_it_is_used_or_not() -> None:
    unused = {name: text for name, text in (TWILIO | S3).items() if not name.startswith("DIAL")}

    for environ in (TWILIO | S3, unused):
        described = shown(environ)

        assert described["TWILIO_AUTH_TOKEN"] == described["AWS_SECRET_ACCESS_KEY"] == "(hidden)"
        assert described["TWILIO_ACCOUNT_SID"] == f"AC{SID}"
        assert described["AWS_ACCESS_KEY_ID"] == "somebody"
    assert shown({})["TWILIO_AUTH_TOKEN"] == ""


@pytest.mark.parametrize(
    ("address", "as_shown"),
    [
        ("mongodb://me:tops3cret@a:1,b:2/name", "mongodb://(hidden)@a:1,b:2/name"),
        ("mongodb+srv://me:tops3cret@db.test/name", "mongodb+srv://(hidden)@db.test/name"),
        ("mongodb://me@a/name", "mongodb://(hidden)@a/name"),
        ("mongodb://a/name?w=majority", "mongodb://a/name?w=majority"),
        (
            "mongodb://a/name?tlsCertificateKeyFilePassword=tops3cret&tls=true",
            "mongodb://a/name?tlsCertificateKeyFilePassword=(hidden)&tls=true",
        ),
        (
            "mongodb://a/name?w=1;AUTHMECHANISMPROPERTIES=AWS_SESSION_TOKEN:tops3cret",
            "mongodb://a/name?w=1;AUTHMECHANISMPROPERTIES=(hidden)",
        ),
        (
            "mongodb://a/name?proxyHost=p&proxyUsername=me&proxyPassword=tops3cret",
            "mongodb://a/name?proxyHost=p&proxyUsername=(hidden)&proxyPassword=(hidden)",
        ),
    ],
)
def test_an_address_is_shown_without_who_opens_it(address: str, as_shown: str) -> None:
    assert shown({"DIALTONE_DATABASE": address})["DIALTONE_DATABASE"] == as_shown


def test_what_nothing_uses_and_so_nothing_judged_is_shown_in_one_harmless_line() -> None:
    described = shown(
        {"AWS_REGION": "\x1b[2Ja\nb", "TWILIO_API_BASE": "http://me:tops3cret@api.test/v1"}
    )

    assert described["AWS_REGION"] == "\N{REPLACEMENT CHARACTER}[2Ja\N{REPLACEMENT CHARACTER}b"
    assert described["TWILIO_API_BASE"] == "http://(hidden)@api.test/v1"


def test_no_part_of_the_settings_tells_a_secret_when_it_is_printed() -> None:
    environ = TWILIO | S3 | {"DIALTONE_DATABASE": "mongodb://me:tops3cret@db.test/name"}

    assert "tops3cret" not in repr(read_settings(environ, None))


def test_the_value_of_a_secret_variable_is_not_shown() -> None:
    secret = Variable("DIALTONE_X", str, "a secret", example="x", is_secret=True)

    assert secret.shown("tops3cret") == "(hidden)"
    assert secret.shown("") == ""
