"""What the server itself logs: errors of ours, and nothing about what clients send."""

import logging

requests_log = logging.getLogger("aws_vpn_exporter.web.requests")
requests_log.setLevel(logging.ERROR)
"""uvicorn would log a warning for each request that is none and each upgrade that it does not know: as many lines as a
hostile client likes. Errors, such as a handler's exception, are logged here."""
