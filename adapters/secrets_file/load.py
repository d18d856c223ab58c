"""Loading the keys, and making them where that is allowed."""

from pathlib import Path

from adapters.secrets_file.document import DocumentWrong, parse_document
from adapters.secrets_file.files import put_private_text, read_private_text
from adapters.secrets_file.fresh import fresh_document
from adapters.secrets_file.secrets import Secrets, SecretsNotUsable


def load_or_make_secrets(path: Path, *, may_make: bool) -> Secrets:
    """Give the keys of the file; where there is none and `may_make`, make it first.

    However many processes start at once, all of them end up with the keys of one file.

    Raises:
        SecretsNotUsable: the text says why, and what to do about it.
    """
    text = read_private_text(path)
    if text is None and may_make:
        # Read again, since another process may have been first.
        put_private_text(path, fresh_document())
        text = read_private_text(path)
    if text is None:
        raise SecretsNotUsable(
            f"There is no secrets file {path}: name one in DIALTONE_SECRETS. "
            "A start with DIALTONE_ENV=development makes one."
        )
    try:
        return parse_document(text)
    except DocumentWrong as wrong:
        raise SecretsNotUsable(
            f"The secrets file {path} cannot be used, as {wrong}: "
            "mend that, or put back a copy of the whole file."
        ) from None
