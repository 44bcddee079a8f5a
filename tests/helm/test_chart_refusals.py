"""What cannot be meant, and what only the API server or the Operator would refuse, is refused in plain words."""

from typing import Any

import helm_python
import pytest

from tests.helm.chart import Values, manifests, one, rendered

SHARDED = {"shards": 2, "config": {"regions": "all"}}
LOAD_BALANCER = {"type": "LoadBalancer"}


def policy(*cidrs: str) -> Values:
    return {"networkPolicy": {"enabled": True, "awsCidrs": list(cidrs)}}


def group(name: str) -> dict[str, Any]:
    return {"name": name, "rules": [{"record": "a:b", "expr": "vector(1)"}]}


REFUSED: list[tuple[Values, str]] = [
    # wrong types and unknown keys
    ({"replicaCount": "two"}, "replicaCount"),
    ({"replicas": 2}, "replicas"),
    ({"serviceMonitor": {"enable": True}}, "enable"),
    ({"image": {"digest": "sha256:123"}}, "digest"),
    ({"image": {"tag": "1.0 beta"}}, "tag"),
    ({"config": {"region": "eu-west-1"}}, "region"),
    ({"config": {"poll_interval": "soon"}}, "poll_interval"),
    ({"config": {"policies": [{"match": "all", "expected_tunnels": 3}]}}, "expected_tunnels"),
    ({"credentials": {"irsa": {"roleArn": "role/vpn"}}}, "roleArn"),
    ({"prometheusRule": {"alerts": {"AwsVpnDataStale": {"enable": False}}}}, "enable"),
    ({"podLabels": {"team": "net work"}}, "podLabels"),
    ({"existingConfig": {"configMap": "VPN_config"}}, "configMap"),
    # scraping
    (
        {"serviceMonitor": {"enabled": True, "scrapeTimeout": "31s"}},
        r"serviceMonitor\.scrapeTimeout \(31s\).*30s or less",
    ),
    ({"serviceMonitor": {"interval": "1m", "scrapeTimeout": "1m1s"}}, r"serviceMonitor\.scrapeTimeout"),
    ({"podMonitor": {"enabled": True, "interval": "500ms", "scrapeTimeout": "1s"}}, r"podMonitor\.scrapeTimeout"),
    ({"keepaliveProbe": {"interval": "2s"}}, r"keepaliveProbe\.scrapeTimeout \(4s\) is longer"),
    (
        {"serviceMonitor": {"basicAuth": {"username": {}}, "authorization": {"type": "Bearer"}}},
        r"serviceMonitor\.basicAuth and serviceMonitor\.authorization",
    ),
    ({"serviceMonitor": {"jobLabel": ""}}, "jobLabel"),
    ({"podMonitor": {"jobLabel": ""}}, "jobLabel"),
    ({"podMonitor": {"enabled": True, "targetLabels": ["team"]}}, r"write podMonitor\.podTargetLabels"),
    # addresses
    (policy("10.0.0.0"), r"networkPolicy\.awsCidrs: 10\.0\.0\.0 is not an address range.*such as"),
    (policy("10.0.0.0/33"), "not an address range"),
    (policy("10.0.0.256/8"), "not an address range"),
    (policy("10.0.0.0/16", "vpce.example.com/16"), "not an address range"),
    (policy("10.0.5.0/16"), r"write 10\.0\.0\.0/16"),
    (policy("10.0.0.129/25"), r"write 10\.0\.0\.128/25"),
    (policy("fd00::1/64"), r"write fd00:0:0:0:0:0:0:0/64"),
    (policy("fd00:1/64"), "not an address range"),
    (policy("fd00::1::2/64"), "not an address range"),
    (policy("fd00::/129"), "not an address range"),
    ({"service": {**LOAD_BALANCER, "loadBalancerSourceRanges": ["192.0.2.1/24"]}}, r"write 192\.0\.2\.0/24"),
    # the pod
    ({"livenessProbe": {"successThreshold": 2}}, "successThreshold"),
    ({"startupProbe": {"successThreshold": 3}}, "successThreshold"),
    ({"readinessProbe": {"periodSeconds": 0}}, "periodSeconds"),
    ({"livenessProbe": {"httpGet": {"port": 1}, "tcpSocket": {"port": 1}}}, "livenessProbe has httpGet and tcpSocket"),
    (
        {"aws": {"region": "eu-west-1"}, "extraEnv": [{"name": "AWS_REGION", "value": "us-east-1"}]},
        r"AWS_REGION.*aws\.region",
    ),
    ({"extraEnv": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}, "repeats the environment variable A"),
    ({**SHARDED, "extraEnv": [{"name": "SHARD", "value": "1"}]}, "repeats the environment variable SHARD"),
    ({**SHARDED, "extraVolumes": [{"name": "config", "emptyDir": {}}]}, "repeats the volume config"),
    ({"extraContainers": [{"name": "exporter", "image": "x"}]}, "repeats the container exporter"),
    ({"hostAliases": [{"ip": "192.0.2.1"}, {"ip": "192.0.2.1"}]}, r"repeats the address 192\.0\.2\.1"),
    # names
    ({"fullnameOverride": "VPN"}, r"fullnameOverride.*set fullnameOverride to vpn, say"),
    ({"fullnameOverride": "vpn.exporter"}, r"set fullnameOverride to vpn-exporter, say"),
    ({"fullnameOverride": "1st"}, r"set fullnameOverride to vpn-1st, say"),
    ({"nameOverride": "Vpn"}, r"the release's name and nameOverride"),
    ({"fullnameOverride": "vpn", "nameOverride": "a b"}, "cannot be the value of a label"),
    # the number of pods, and how they are replaced
    (
        {**SHARDED, "updateStrategy": {"type": "Recreate"}},
        r"updateStrategy\.type is Recreate.*RollingUpdate and OnDelete",
    ),
    ({**SHARDED, "updateStrategy": {"rollingUpdate": {"maxSurge": 1}}}, r"updateStrategy\.rollingUpdate\.maxSurge"),
    ({"updateStrategy": {"type": "OnDelete"}}, "RollingUpdate and Recreate"),
    ({"updateStrategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}}, "leave out one of them"),
    # the service, and what leads to it
    ({"service": {"nodePort": 30000}}, r"service\.nodePort.*service\.type is ClusterIP"),
    ({"service": {"type": "NodePort", "loadBalancerIP": "192.0.2.1"}}, r"service\.loadBalancerIP"),
    ({"ingress": {"enabled": True}}, r"say which hosts.*ingress\.hosts"),
    ({"route": {"main": {"enabled": True}}}, r"route\.main\.parentRefs"),
    # rules
    ({"prometheusRule": {"enabled": True, "extraGroups": [group("own"), group("own")]}}, "extraGroups has a group own"),
    ({"configReload": {"enabled": True}}, "no configuration file to read again"),
]


@pytest.mark.parametrize(("values", "complaint"), REFUSED, ids=str)
def test_it_is_refused_by_name(values: Values, complaint: str) -> None:
    with pytest.raises(helm_python.HelmError, match=complaint):
        rendered(values)


def test_a_group_of_rules_that_the_chart_has_is_refused() -> None:
    rule = one("PrometheusRule", manifests({"prometheusRule": {"enabled": True}}))
    for name in {group["name"] for group in rule["spec"]["groups"]}:
        with pytest.raises(helm_python.HelmError, match=f"extraGroups has a group {name}, .*choose another name"):
            rendered({"prometheusRule": {"enabled": True, "extraGroups": [group(name)]}})


@pytest.mark.parametrize("release", ["vpn.prod", "1st"])
def test_a_release_whose_name_no_service_can_have_is_refused(release: str) -> None:
    with pytest.raises(helm_python.HelmError, match="set fullnameOverride to"):
        rendered({}, name=release)
    assert rendered({"fullnameOverride": "vpn"}, name=release)


@pytest.mark.parametrize(
    "values",
    [
        {"serviceMonitor": {"enabled": True, "interval": "1m", "scrapeTimeout": "60s"}},
        {"serviceMonitor": {"enabled": True, "interval": "", "scrapeTimeout": "60s"}},
        policy(
            "10.0.0.0/8", "10.0.0.1/32", "0.0.0.0/0", "::/0", "fd00:ec2::/32", "fd00::80/121", "2001:DB8:0:0:1:0:0:0/80"
        ),
        {"service": {**LOAD_BALANCER, "nodePort": 30000, "loadBalancerSourceRanges": ["192.0.2.0/24"]}},
        {"updateStrategy": {"type": "Recreate"}},
        {**SHARDED, "updateStrategy": {"type": "OnDelete"}},
        {"livenessProbe": {"successThreshold": 1}, "readinessProbe": {"successThreshold": 2}},
        {"extraEnv": [{"name": "AWS_REGION", "value": "us-east-1"}]},
        {"prometheusRule": {"enabled": True, "extraGroups": [group("own"), group("own-too")]}},
    ],
    ids=str,
)
def test_what_is_right_is_not_refused(values: Values) -> None:
    assert rendered(values)
