"""What a device does at its own pace: it falls silent, goes away, comes back, or never begins; and AWS's endpoint."""

from lab.faults.base import SHORT, START, Fault, Remedy, Stage, both, both_down, first_down
from lab.laboratory import Plan
from lab.network import NUMBERS, VPC_HOSTS

_RENEWED = {"rekey_time": 600, "life_time": 840, "rand_time": 0}


def _power_cut(stage: Stage) -> None:
    for number in NUMBERS:
        stage.lab.end(("site", number))


def _shut_down(stage: Stage) -> None:
    for number in NUMBERS:
        stage.lab.end(("site", number), in_order=True)


def _boot(stage: Stage) -> None:
    for number in NUMBERS:
        stage.lab.start(("site", number))


def _replace(stage: Stage) -> None:
    stage.replace()


def _begin(stage: Stage) -> None:
    stage.lab.agent.initiates = "always"


def _in_use(stage: Stage) -> bool:
    """Both tunnels have carried a ping."""
    return all(map(stage.lab.ping, VPC_HOSTS)) and all(map(stage.lab.carries, NUMBERS))


def _keep_alive(stage: Stage) -> None:
    stage.lab.keep_alive()


def _replace_unnoticed(stage: Stage) -> None:
    stage.lab.agent.initiates = "never"
    _replace(stage)


def _begin_anew(stage: Stage) -> None:
    _begin(stage)
    stage.lab.restart_tunnel(1)


FAULTS = (
    Fault(
        "idle",
        "The device ends a tunnel that carries nothing for five minutes.",
        plan=Plan(
            routing="static",
            initiates="on traffic",
            options=both(SHORT),
            device=both({"child": {"inactivity": 300, **_RENEWED}}),
        ),
        before=_in_use,
        seen=first_down,
        causes=frozenset({"idle_timeout", "closed_by_customer_gateway"}),
        remedy=Remedy("Send a ping through each tunnel, from the site and without end.", _keep_alive, survives=1),
    ),
    Fault(
        "device-loses-power",
        "The device loses its power, and has it back.",
        act=_power_cut,
        seen=both_down,
        causes=frozenset({"dead_peer_detection", "customer_gateway_unreachable"}),
        remedy=Remedy("Switch the device on.", _boot),
    ),
    Fault(
        "device-restarts-in-order",
        "The device is shut down in order, and started again.",
        act=_shut_down,
        seen=both_down,
        causes=frozenset({"closed_by_customer_gateway"}),
        remedy=Remedy("Start the device.", _boot),
    ),
    Fault(
        "endpoint-replaced",
        "AWS replaces an endpoint; the device neither looks whether AWS is alive nor initiates.",
        plan=Plan(device=both({"ike": {"dpd_delay": 0}})),
        act=_replace_unnoticed,
        seen=first_down,
        causes=frozenset({"endpoint_replacement", "will_not_recover_alone"}),
        remedy=Remedy("End the tunnel on the device and begin it anew.", _begin_anew),
    ),
    Fault(
        "endpoint-replaced-device-looks",
        "AWS replaces an endpoint; the device notices by dead peer detection and initiates.",
        act=_replace,
        seen=lambda stage: stage.lab.carries(1),
        causes=frozenset(),
    ),
    Fault(
        "endpoint-replaced-aws-starts",
        "AWS replaces an endpoint and initiates by itself.",
        plan=Plan(initiates="never", options=both(START)),
        act=_replace,
        seen=lambda stage: stage.lab.carries(1),
        causes=frozenset(),
    ),
    Fault(
        "never-begun",
        "Neither side has ever initiated.",
        plan=Plan(initiates="never"),
        before=lambda stage: True,
        seen=both_down,
        causes=frozenset({"never_up"}),
        remedy=Remedy("Let the device initiate.", _begin),
    ),
)
