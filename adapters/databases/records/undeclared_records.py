"""Records of features that this program does not have: nothing in it would ever touch them.

Records of our own features are known by their names, and records of extensions by the prefix of
theirs.
"""

from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

from adapters.databases.records.all_kinds import all_kinds
from adapters.databases.records.kind_checks import is_of_extension
from application.ports.errors import ConfigurationError

FEATURES_OF_KINDS: Final[dict[str, str]] = {
    "app_data": "app_data",
    "blocks": "blocks",
    "calls": "voice",
    "data_exports": "export",
    "export_links": "export",
    "idempotency_keys": "media",
    "media_items": "media",
    "media_usages": "media",
    "service_tokens": "admin",
    "statistics_days": "statistics",
    "statistics_hours": "statistics",
    "statistics_prefixes": "statistics",
    "unreachable_numbers": "whatsapp",
    "used_passkey_challenges": "passkeys",
    "used_proofs": "attestation",
    "used_webhooks": "voice",
    "whatsapp_deliveries": "whatsapp",
}
"""The kinds of records that a feature has, by name. Stored names outlive the feature."""
_UNDECLARED: Final = (
    "the database has records of features that this program does not have: {kinds}. It would not "
    "delete them when they expire, copy them, or encrypt them with another key. Start the program "
    "that has these features, whose exports and `dialtone copy` have the records; or delete them "
    "with this one: `dialtone migrate --delete-records {names}`."
)


@runtime_checkable
class FindsUndeclared(Protocol):
    """Optional method of a database, so that no records are forgotten.

    Names are those of tables or collections that are of no kind of this program. A table without
    the layout of a kind, or whose records have no schema version, is not Dialtone's.
    """

    async def has_undeclared(self, name: str, /) -> bool:
        """Return whether it exists, and has records of ours."""
        ...


@runtime_checkable
class ListsUnknown(Protocol):
    """Optional method of a database, so that no records of an extension are forgotten."""

    async def list_unknown(self) -> Sequence[str]:
        """Return the names of its tables or collections that this program does not know."""
        ...


@runtime_checkable
class UndeclaredRecords(FindsUndeclared, Protocol):
    """Optional methods of a `RecordStore`."""

    async def delete_undeclared(self, name: str, limit: int, /) -> int:
        """Delete up to `limit` of its records, if they are ours, and return their number."""
        ...


def find_absent_feature(name: str) -> str | None:
    """Return the feature that has records of this name; None if unknown or of this program."""
    if name in {kind.name for kind in all_kinds()}:
        return None
    return "an extension" if is_of_extension(name) else FEATURES_OF_KINDS.get(name)


async def check_declared(store: object) -> None:
    """Check that there are no records of features that this program does not have.

    Kinds of newer versions are ignored: those versions may run beside this one.

    A store that cannot tell is not checked.

    Raises:
        ConfigurationError: There are some.
    """
    if not isinstance(store, FindsUndeclared):
        return
    unknown = await store.list_unknown() if isinstance(store, ListsUnknown) else ()
    names = [name for name in (*FEATURES_OF_KINDS, *unknown) if find_absent_feature(name)]
    found = [name for name in dict.fromkeys(names) if await store.has_undeclared(name)]
    if found:
        shown = ", ".join(f"{name} ({find_absent_feature(name)})" for name in found)
        raise ConfigurationError(_UNDECLARED.format(kinds=shown, names=" ".join(found)))
