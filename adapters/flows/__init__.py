"""Call flows in TOML files, the built-in one and that of the operator, and as flowcharts."""

from adapters.flows.call_flows import InvalidCallFlow, read_call_flow
from adapters.flows.drawing import draw

__all__ = ["InvalidCallFlow", "draw", "read_call_flow"]
