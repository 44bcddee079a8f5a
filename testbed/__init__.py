"""What both the tests and the tools start or read: programs, exporters, simulated accounts, invented situations."""
