"""IPsec is up, and yet nothing is routed."""

from aws_vpn_exporter.diagnosis.case import LOG_ENABLED, Case
from aws_vpn_exporter.diagnosis.cause import CauseKind, Confidence, Judgement, Rule
from aws_vpn_exporter.diagnosis.facts import DPD_AROUND, logged, message
from aws_vpn_exporter.evidence import LogEventClass
from aws_vpn_exporter.model import TunnelState


def _bgp_down(case: Case) -> Judgement | None:
    if case.state is not TunnelState.BGP_DOWN:
        return None
    lines = logged(case.log(LogEventClass.BGP_DOWN, before=DPD_AROUND, after=None))
    fact = f'AWS reports the tunnel DOWN with the message "{message(case)}": IPsec is up, BGP is not (telemetry).'
    static = case.connection.routing == "static"
    return Judgement(Confidence.POSSIBLE if static else Confidence.LIKELY, (fact, *lines))


def _no_routes(case: Case) -> Judgement | None:
    if not case.carries_nothing:
        return None
    fact = "AWS reports the tunnel UP and has accepted no route over it (telemetry)."
    return Judgement(Confidence.LIKELY, (fact,))


BGP_DOWN = Rule(
    CauseKind.BGP_DOWN,
    _bgp_down,
    "IPsec is well: check the BGP session on the device, the inside addresses and both AS numbers.",
    "remedies.md#which-one-is-it",
    (LOG_ENABLED, "logs"),
)

NO_ROUTES = Rule(
    CauseKind.NO_ROUTES,
    _no_routes,
    "Announce the site's networks over BGP, or add static routes to the connection.",
    "AwsVpnTunnelNoRoutes.md#mitigation",
)
