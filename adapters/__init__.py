"""How the outside is reached: one folder a technology, each independent of the others."""
