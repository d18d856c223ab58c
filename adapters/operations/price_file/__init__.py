"""The price list of the operator, in a TOML file."""

from adapters.operations.price_file.price_file import InvalidPrices, read_prices

__all__ = ["InvalidPrices", "read_prices"]
