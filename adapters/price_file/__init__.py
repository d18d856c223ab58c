"""The price list of the operator, in a TOML file."""

from adapters.price_file.price_file import InvalidPrices, load_prices

__all__ = ["InvalidPrices", "load_prices"]
