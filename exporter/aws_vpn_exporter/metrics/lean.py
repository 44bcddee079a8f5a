"""The lean set of series: what the alerts, the recordings and the fleet dashboard read, and no more."""

LEFT_OUT = frozenset(
    {
        "aws_vpn_connection_last_change_timestamp_seconds",
        "aws_vpn_tunnel_bgp_log_enabled",
        "aws_vpn_tunnel_dpd_timeout_seconds",
        "aws_vpn_tunnel_lifecycle_control_enabled",
        "aws_vpn_tunnel_log_events_total",
        "aws_vpn_tunnel_negotiated_info",
        "aws_vpn_tunnel_phase1_lifetime_seconds",
        "aws_vpn_tunnel_phase2_lifetime_seconds",
        "aws_vpn_tunnel_rekey_due_timestamp_seconds",
        "aws_vpn_tunnel_rekey_fuzz_ratio",
        "aws_vpn_tunnel_rekey_margin_time_seconds",
        "aws_vpn_tunnel_replay_window_size_packets",
    }
)
"""The metrics of connections and tunnels that are not published with `series: lean`; a test holds the list to the rules
and to the dashboard."""
