"""What operators and the machines that watch the service do."""
