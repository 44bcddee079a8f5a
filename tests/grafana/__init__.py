"""Tests of the dashboards. The import comes first because it quiets the SDK's warning about the classic format."""

import grafana  # noqa: F401
