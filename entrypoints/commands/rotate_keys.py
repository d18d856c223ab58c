from domain.errors import InvalidValue
from entrypoints import bootstrap
from entrypoints.commands.exit_codes import DONE, NOT_USABLE
from entrypoints.commands.streams import complain, say
from entrypoints.settings import Settings
from entrypoints.settings.parsers import duration_parser


def rotate_keys(settings: Settings, after: str) -> int:
    """Put new keys in front of those in use, to be used after so long."""
    try:
        delay = duration_parser("1m", "30d")(after)
    except InvalidValue as refusal:
        complain(f"--after: {refusal.message}")
        return NOT_USABLE
    for rotated in bootstrap.rotate_keys(settings, delay):
        say(
            f"{rotated.purpose}: {rotated.key_id} is accepted now and used from "
            f"{rotated.not_before:%Y-%m-%dT%H:%M:%SZ} on; older ones: {rotated.kept} kept, "
            f"{rotated.removed} removed"
        )
    return DONE
