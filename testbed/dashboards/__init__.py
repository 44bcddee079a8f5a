"""The dashboards in front of a real Prometheus: their queries, its answers, and an invented past."""
