"""The dashboards as typed code. Only `python -m grafana.build` runs it; the exporter never does."""
