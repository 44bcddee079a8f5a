"""A simulated AWS with a scripted fleet of VPN connections, for the `demo` command, fire drills and tests.

`fleet` says what the simulated account holds at each second, `wire` writes such an answer as the XML that the
real service sends, `faults` knows how the real service fails, and `server` puts the three behind a local
HTTP port. The exporter is never told that it speaks with a simulation: it uses the same client, signature,
HTTP and parser as against AWS.
"""
