"""DIALTONE_SECRETS: the text of a secrets file, or a factory that gives the keys."""

import pytest

from adapters.keys.document import generate_document
from entrypoints.settings.read import describe_settings
from entrypoints.settings.values import Factory
from tests.support.settings import problem, settings

FACTORY = "acme.keys:open_keys"


def test_a_factory_is_shown_and_a_document_is_not() -> None:
    for text, shown in ((FACTORY, FACTORY), (generate_document(indent=None), "(hidden)")):
        read = settings(SECRETS=text)
        rows = {row.name: row.shown for row in describe_settings(read)}

        assert rows["DIALTONE_SECRETS"] == shown
        assert isinstance(read.secrets, Factory) == (text == FACTORY)
        assert not read.are_keys_in_file


@pytest.mark.parametrize(
    "text",
    ["hvs.CAESIJ12345678", "[1234567890]", "acme.keys", '{"version": 12345678', "https://a:b@c/d"],
)
def test_what_is_neither_is_an_error_that_does_not_show_it(text: str) -> None:
    line = problem(SECRETS=text)

    assert line.startswith("DIALTONE_SECRETS: ")
    assert "secrets file" in line or "invalid" in line
    assert text not in line
