"""A new key in front of each list whose keys may change."""

from datetime import datetime, timedelta
from pathlib import Path

from adapters.secrets_file.document import DocumentWrong, read_members, secrets_of
from adapters.secrets_file.files import read_private_text
from adapters.secrets_file.fresh import text_of
from adapters.secrets_file.load import no_secrets_file, not_usable
from adapters.secrets_file.replacing import only_one_replaces, replace_private_text
from adapters.secrets_file.rotation import SHORTEST_DELAY, Lives, RotatedList, rotated
from adapters.secrets_file.secrets import Secrets, SecretsNotUsable


def rotate_secrets(
    path: Path, now: datetime, lives: Lives, *, delay: timedelta = SHORTEST_DELAY
) -> tuple[RotatedList, ...]:
    """Put a new pepper, signing key and refresh key in front, to be used after the delay.

    The delay is never shorter than `SHORTEST_DELAY`. Keys go that made nothing for so long that
    nothing of theirs lives. The index key stays, since every phone is found by it, and so do the
    seal keys, since phones stay sealed with them: any copy of the file, however old, opens the
    whole database.

    Whatever happens, the file is the old one or the new one; of two calls at once, one is refused.

    Raises:
        SecretsNotUsable: the file cannot be used or replaced, or a key still waits to be used.
    """
    with only_one_replaces(path):
        text = read_private_text(path)
        if text is None:
            raise no_secrets_file(path)
        try:
            document = read_members(text)
            secrets = secrets_of(document)
        except DocumentWrong as wrong:
            raise not_usable(path, wrong) from None
        _check_none_waits(secrets, now)
        # A time in the file has whole seconds, and none of the delay may be lost.
        signs_from = (now + max(delay, SHORTEST_DELAY)).replace(microsecond=0)
        signs_from += timedelta(seconds=1)
        document, lists = rotated(document, secrets, lives, now, signs_from)
        replace_private_text(path, text_of(document))
    return lists


def _check_none_waits(secrets: Secrets, now: datetime) -> None:
    # One more could do no harm, but who asks twice in a minute has not meant it.
    keys = (*secrets.signing_keys, *secrets.refresh_keys, *secrets.otp_keys)
    latest = max(key.not_before for key in keys)
    if latest > now:
        raise SecretsNotUsable(
            "The keys were rotated a moment ago, and the new ones wait to be used until "
            f"{latest:%Y-%m-%dT%H:%M:%SZ}: rotate again after that."
        )
