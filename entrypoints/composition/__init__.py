"""The whole: all features, the settings of all, and the use cases that they open."""
