"""What messages and calls cost: counted in memory, written every few seconds, and reported."""
