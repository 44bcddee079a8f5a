"""A simulated AWS with an invented fleet of VPN connections, for the `demo` command, for exercises and for tests.

- `server`: `SimulatedAws`, which answers API calls on a local HTTP port
- `fleet`: `Fleet` and its SCENARIOS, which decide what the simulated account contains at each moment
- `backend`: what a `SimulatedAws` needs from a fleet, so that another one can take the place of the invented one
- `faults`: the ways in which a call can fail, with the errors of the real services
- `wire`: the protocols of the AWS services
- `config.yaml`: the exporter's configuration under `aws-vpn-exporter demo`

The exporter is not told that it calls a simulation: it uses the same client, signatures, HTTP and parser as for AWS.
Nothing in this package imports the rest of `aws_vpn_exporter`.
"""
