"""HTTP: /metrics, health, reload and the status page, with TLS and basic authentication."""
