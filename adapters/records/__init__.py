"""The stored form of every record: one msgspec Struct and one mapping each, for all databases."""
