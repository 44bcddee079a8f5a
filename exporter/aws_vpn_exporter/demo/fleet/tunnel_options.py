"""Sets of tunnel options, as DescribeVpnConnections reports them for a tunnel: an option that nobody set is missing."""

from collections.abc import Mapping

from .identifiers import LOG_GROUP_ARN

DEFAULT_OPTIONS: Mapping[str, object] = {"LogOptions": {"CloudWatchLogOptions": {"LogEnabled": False}}}
"""Every option is at AWS's default."""

COMMON_OPTIONS: Mapping[str, object] = {
    **DEFAULT_OPTIONS,
    "IkeVersions": [{"Value": "ikev2"}],
    "Phase1LifetimeSeconds": 28800,
    "Phase2LifetimeSeconds": 3600,
    "DpdTimeoutAction": "restart",
}

LOGS_ON: Mapping[str, object] = {
    "LogOptions": {
        "CloudWatchLogOptions": {
            "LogEnabled": True,
            "LogGroupArn": LOG_GROUP_ARN,
            "LogOutputFormat": "json",
            "BgpLogEnabled": True,
            "BgpLogGroupArn": LOG_GROUP_ARN,
            "BgpLogOutputFormat": "json",
        }
    }
}
"""Only the options that turn on the VPN log and the BGP log."""

LOGGED_OPTIONS: Mapping[str, object] = {**COMMON_OPTIONS, "DpdTimeoutAction": "clear", **LOGS_ON}

ALL_OPTIONS: Mapping[str, object] = {
    "Phase1LifetimeSeconds": 14400,
    "Phase2LifetimeSeconds": 1800,
    "RekeyMarginTimeSeconds": 300,
    "RekeyFuzzPercentage": 50,
    "ReplayWindowSize": 512,
    "DpdTimeoutSeconds": 45,
    "DpdTimeoutAction": "restart",
    "StartupAction": "start",
    "IkeVersions": [{"Value": "ikev2"}],
    "Phase1EncryptionAlgorithms": [{"Value": "AES256"}, {"Value": "AES256-GCM-16"}],
    "Phase2EncryptionAlgorithms": [{"Value": "AES256-GCM-16"}],
    "Phase1IntegrityAlgorithms": [{"Value": "SHA2-384"}, {"Value": "SHA2-512"}],
    "Phase2IntegrityAlgorithms": [{"Value": "SHA2-512"}],
    "Phase1DHGroupNumbers": [{"Value": 20}, {"Value": 21}],
    "Phase2DHGroupNumbers": [{"Value": 20}],
    "EnableTunnelLifecycleControl": True,
    **LOGS_ON,
}
"""Every option is set to a value other than AWS's default, where there is one."""


def logging_enabled(options: Mapping[str, object] | None) -> bool:
    """Whether the options make AWS write the tunnel's logs to the log group."""
    return options is not None and options.get("LogOptions") == LOGS_ON["LogOptions"]
