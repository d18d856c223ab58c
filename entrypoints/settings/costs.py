"""The settings of costs."""

from dataclasses import dataclass
from pathlib import Path

from entrypoints.settings import parsers
from entrypoints.settings.declaration import optional
from entrypoints.settings.service import ServiceSettings


@dataclass(frozen=True, kw_only=True)
class CostSettings(ServiceSettings):
    """What messages and calls cost."""

    prices: Path | None = optional(parsers.parse_path, example="/etc/dialtone/prices.toml")
    """TOML file with your providers' prices, see docs/costs.md; without it no costs are counted."""
