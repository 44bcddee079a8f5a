"""The demo's invented fleet: what the simulated AWS account contains, as a function of the time since the start.

- `scenarios`: the scenarios of the command line, each a list of connections
- `situations`: the connections, each in one situation; `connection` defines the records that they are made of
- `timeline`, `tunnel_states`, `tunnel_options`, `tunnel_histories`, `log_lines`: what the records are filled with
- `identifiers`: ids, addresses, and the one key
- `scripted_fleet`: `Fleet`, which runs a scenario; `connection_answer` writes its DescribeVpnConnections answer
- `repaired`: a fleet with the changes that calls of the EC2 API made to it
"""

from .connection import Connection, Tunnel
from .identifiers import DEMO_SECRET, HOME_REGION
from .repaired import RepairedFleet
from .scenarios import SCENARIOS, Scenario, ScriptedFault, many
from .scripted_fleet import Fleet

__all__ = [
    "DEMO_SECRET",
    "HOME_REGION",
    "SCENARIOS",
    "Connection",
    "Fleet",
    "RepairedFleet",
    "Scenario",
    "ScriptedFault",
    "Tunnel",
    "many",
]
