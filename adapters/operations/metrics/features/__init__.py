"""The metrics of features, which each declares in a module of its own."""
