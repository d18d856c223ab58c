"""The HTTP side: parse, call a use case, shape the answer. It knows no adapter."""
