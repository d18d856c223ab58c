"""What the core reads when the metrics are requested."""

from typing import TYPE_CHECKING

from application.use_cases import UseCases
from entrypoints.parts.composition import Composition
from entrypoints.parts.version import find_commit, installed_version

if TYPE_CHECKING:
    from adapters.operations.metrics.exposition import Samples


def add_core_gauges(composition: Composition, core: UseCases) -> None:
    """Add the gauges of the program, its keys, its limits and its users."""
    from adapters.operations.metrics.metrics import country_label

    clock = composition.system.clock
    program = (installed_version(), find_commit())

    async def name_program() -> "Samples":
        return {program: 1}

    async def measure_keys() -> "Samples":
        now, key_rings = clock.now(), core.operations.key_rings.items()
        return {
            (purpose,): (now - keys.signing().not_before).total_seconds()
            for purpose, keys in key_rings
        }

    async def find_key_problem() -> "Samples":
        composition.keys.current()
        return 1 if composition.keys.problem else 0

    async def measure_limits() -> "Samples":
        return {
            (use.limit, use.owner, country_label(use.country)): use.percent / 100
            for use in await core.limits.measure_limits()
        }

    async def count_users() -> "Samples":
        return (await core.identities.count_users.recent()).number

    text = "Always 1; the labels say which program this is."
    composition.add_gauge("build_info", text, name_program, "version", "commit")
    text = "Age of the key that is in use."
    composition.add_gauge("key_age_seconds", text, measure_keys, "purpose")
    text = "1 while the secrets file is older, missing or invalid, and the former keys are used."
    composition.add_gauge("secrets_problem", text, find_key_problem)
    text = "Use of a limit that many phones share, by all instances together, from 0 to 1."
    composition.add_gauge("limit_use_ratio", text, measure_limits, "limit", "part", "country")
    text = "Identities with a username that are not deleted."
    composition.add_gauge("users", text, count_users)
