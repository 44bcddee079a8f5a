"""The dashboards as typed code. Only `python -m grafana.build` runs it; the exporter never does."""

import warnings

# On import the SDK warns that it prefers the format of Grafana 12 and later; Grafana 10 loads the classic one only.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import dashboard, prometheus  # noqa: F401
