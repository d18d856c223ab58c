"""The records of optional features, a module for each. `adapters.records.kinds` finds them."""
