"""Access to the outside: one folder a technology, each independent of the others."""
