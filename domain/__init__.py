"""What is true: entities and rules, without I/O, clock or randomness of their own."""
