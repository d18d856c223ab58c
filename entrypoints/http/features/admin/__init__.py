"""What operators and backends do for users."""
