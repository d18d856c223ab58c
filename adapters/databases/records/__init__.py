"""What all databases share: the stored form of every record, and the repositories."""
