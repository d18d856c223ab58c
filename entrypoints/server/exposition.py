"""What renders the metrics."""

from typing import TYPE_CHECKING

from application.otp.feature import LimitsFeature
from application.use_cases import UseCases
from entrypoints.features import FEATURES
from entrypoints.settings.settings import Settings
from entrypoints.version.commit import find_commit
from entrypoints.version.distribution import installed_version

if TYPE_CHECKING:
    from adapters.metrics.exposition import Exposition
    from adapters.metrics.metrics import Metrics


def make_exposition(settings: Settings, metrics: "Metrics", use_cases: UseCases) -> "Exposition":
    """Return what renders the metrics, with what is read when they are requested."""
    from adapters.metrics.exposition import Exposition
    from adapters.system import SystemClock

    return Exposition(
        metrics=metrics,
        measure_limits=use_cases.of(LimitsFeature).measure_limits,
        count_users=use_cases.identities.count_users.recent,
        version=installed_version(),
        commit=find_commit(),
        key_rings=use_cases.operations.key_rings,
        clock=SystemClock(),
        gauges=[gauge for each in FEATURES for gauge in each.gauges(settings, use_cases)],
    )
