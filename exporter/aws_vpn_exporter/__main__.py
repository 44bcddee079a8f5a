"""`python -m aws_vpn_exporter` is the console script."""

import sys

from aws_vpn_exporter.cli import main

sys.exit(main())
