"""Prometheus exporter for AWS Site-to-Site VPN connections."""

__version__ = "0.1.0"
