"""Loading the keys, and making them where that is allowed."""

from pathlib import Path

from adapters.secrets_file.document import DocumentWrong, parse_document
from adapters.secrets_file.files import put_private_text, read_private_text
from adapters.secrets_file.fresh import fresh_document
from adapters.secrets_file.place import check_place
from adapters.secrets_file.secrets import Secrets, SecretsNotUsable
from adapters.secrets_file.strength import check_strength


def load_or_make_secrets(path: Path, *, may_make: bool, is_strict: bool = False) -> Secrets:
    """Give the keys of the file; where there is none and `may_make`, make it first.

    However many processes start at once, all of them end up with the keys of one file. With
    `is_strict` keys that somebody might guess are refused, and a place where others might put
    keys of theirs.

    Raises:
        SecretsNotUsable: the text says why, and what to do about it.
    """
    text = read_private_text(path)
    if text is None and may_make:
        # Read again, since another process may have been first.
        put_private_text(path, fresh_document())
        text = read_private_text(path)
    if text is None:
        raise no_secrets_file(path)
    if is_strict:
        check_place(path)
    try:
        secrets = parse_document(text)
        if is_strict:
            check_strength(secrets)
    except DocumentWrong as wrong:
        raise not_usable(path, wrong) from None
    return secrets


def no_secrets_file(path: Path) -> SecretsNotUsable:
    """Say that there is none, and how to come by one."""
    return SecretsNotUsable(
        f"There is no secrets file {path}: name one in DIALTONE_SECRETS_FILE. "
        "A start with DIALTONE_ENV=development makes one."
    )


def not_usable(path: Path, wrong: DocumentWrong) -> SecretsNotUsable:
    """Say what is wrong with the document, and the way out."""
    return SecretsNotUsable(
        f"The secrets file {path} cannot be used, as {wrong}: "
        "mend that, or put back a copy of the whole file."
    )
