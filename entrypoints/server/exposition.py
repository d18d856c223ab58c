"""What renders the metrics."""

from typing import TYPE_CHECKING

from application.otp.feature import LimitsFeature
from entrypoints.opening.opening import Opening
from entrypoints.version.commit import find_commit
from entrypoints.version.distribution import installed_version

if TYPE_CHECKING:
    from adapters.operations.metrics.exposition import Exposition
    from adapters.operations.metrics.metrics import Metrics


def make_exposition(metrics: "Metrics", opening: Opening) -> "Exposition":
    """Return what renders the metrics, with what is read when they are requested."""
    from adapters.operations.metrics.exposition import Exposition
    from adapters.operations.system import SystemClock

    use_cases = opening.use_cases
    return Exposition(
        metrics=metrics,
        measure_limits=use_cases.of(LimitsFeature).measure_limits,
        count_users=use_cases.identities.count_users.recent,
        version=installed_version(),
        commit=find_commit(),
        key_rings=use_cases.operations.key_rings,
        clock=SystemClock(),
        gauges=opening.gauges,
    )
