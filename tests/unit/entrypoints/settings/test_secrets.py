"""Where the keys are: a file, or DIALTONE_SECRETS with the text of one."""

import pytest

from adapters.security.keys.document import generate_document
from tests.support.settings import problem, settings


def test_a_document_is_used_in_the_place_of_a_file() -> None:
    assert not settings(SECRETS=generate_document(indent=None)).are_keys_in_file


@pytest.mark.parametrize("name", ["SECRETS", "SECRETS_FILE"])
def test_python_that_loads_keys_is_an_error_that_says_who_writes_the_file(name: str) -> None:
    line = problem(**{name: "acme.keys:open_keys"})

    assert line.startswith(f"DIALTONE_{name}: ")
    assert "let Vault Agent, External Secrets or sops write a file" in line
    assert "set DIALTONE_SECRETS_FILE to its path" in line


def test_a_file_may_have_a_colon_in_its_name() -> None:
    assert settings(SECRETS_FILE="./keys:old").secrets_file.name == "keys:old"
