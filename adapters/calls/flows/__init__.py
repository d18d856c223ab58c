"""Call flows in TOML files: the built-in one, and that of the operator."""

from adapters.calls.flows.call_flows import InvalidCallFlow, read_call_flow

__all__ = ["InvalidCallFlow", "read_call_flow"]
