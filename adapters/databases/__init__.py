"""The stored form of all records, and the databases that store them."""
