"""What is counted of messages and logins, by hour and by day, and its report."""
