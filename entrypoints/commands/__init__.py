"""What operators run: the `dialtone` command, with its checks and jobs."""
