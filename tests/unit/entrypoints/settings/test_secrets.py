"""Where the keys are: a file, or DIALTONE_SECRETS with the text of one."""

from adapters.security.keys.document import generate_document
from tests.support.settings import problem, settings


def test_a_document_is_used_in_the_place_of_a_file() -> None:
    assert not settings(SECRETS=generate_document(indent=None)).are_keys_in_file


def test_another_text_is_an_error_that_says_what_prints_a_document() -> None:
    assert "which `dialtone keys generate -` prints" in problem(SECRETS="acme.keys:open_keys")
