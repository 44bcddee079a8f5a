"""Writes docs/METRICS.md from the metrics' records and docs/CONFIGURATION.md from the configuration's schema."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aws_vpn_exporter import config, fields
from aws_vpn_exporter.config import Config
from aws_vpn_exporter.metrics.connection import CONNECTION
from aws_vpn_exporter.metrics.exporter import EXPORTER
from aws_vpn_exporter.metrics.lean import LEFT_OUT
from aws_vpn_exporter.metrics.record import Metric
from aws_vpn_exporter.metrics.site import SITE
from aws_vpn_exporter.metrics.target import SOURCE, TARGET
from aws_vpn_exporter.metrics.tunnel import TUNNEL
from aws_vpn_exporter.options import OPTIONS, Option, text
from aws_vpn_exporter.target import FailureCause
from aws_vpn_exporter.web.schema import WebConfig
from aws_vpn_exporter.wording import duration
from tools.generated import ROOT, main

DOCS = ROOT / "docs"

Schema = Mapping[str, Any]

METRICS_HEAD = """\
# Metrics

<!-- Written by tools/docs.py from exporter/aws_vpn_exporter/metrics/: change it there, then run `make generate`. -->

The exporter asks AWS in the background (every 30 s where there are connections) and answers scrapes from memory: a
scrape never calls AWS. All states come from DescribeVpnConnections, for which AWS charges nothing.

- Labels are ids. Names and tags are labels of `aws_vpn_connection_info` only, so that a rename never resets an alert;
  join it with `* on (account_id, region, vpn_connection_id) group_left (name) aws_vpn_connection_info`.
- Absent is not zero. What AWS does not say has no series, and a failed poll never looks like "no connections".
- While a target fails, the last good values stay for `stale_after` (5 minutes by default) and then vanish;
  `aws_vpn_target_up` says at once that they are old.
- A connection that is being created or deleted (`pending`, `deleting`, `deleted`) has its `_info` and `_state` only.

## What is promised

Every name, type and label on this page is part of the public interface: it is removed or renamed in a major version
only, and the changelog says so. Any version may bring further metrics, further labels on metrics that end in `_info`,
and further values of labels such as `cause`. Help texts may change at any time.
"""

CONFIGURATION_HEAD = """\
# Configuration

<!-- Written by tools/docs.py from exporter/aws_vpn_exporter/config/: change it there, then run `make generate`. -->

Without a file, `aws-vpn-exporter serve` watches the account of the default AWS credentials in the default region. A
file, named by `--config.file`, is YAML and strict: unknown keys, duplicate keys and aliases are errors that say where
and what would be right. `aws-vpn-exporter check-config --config.file=FILE` prints what would be watched. The file is
read again on SIGHUP, with `--web.enable-lifecycle` on `POST /-/reload`, and with `--config.auto-reload-interval=30s`
once it has changed; if it cannot be used then, the configuration before it stays in force.

Durations are written as `30s`, `5m` or `1h30m`. Credentials, regions and endpoints come the standard AWS way
(`AWS_PROFILE`, `AWS_REGION`, web identity, `AWS_ENDPOINT_URL_EC2` for a VPC endpoint, ...), never from this file.

```yaml
regions: [eu-west-1, us-east-1]
tags: [site, owner]
policies:
  - match: {tags: {site: Saltmere}}
    expected_tunnels: 1
  - match: {ids: [vpn-0123456789abcdef0]}
    customer_gateway:
      phase1_lifetime_seconds: 28800
      ike_versions: [ikev2]
option_defaults:
  rekey_margin_time_seconds: 540
```
"""

WEB_HEAD = """\
## Web configuration

TLS, users, headers and a rate limit are set in a file of their own, named by `--web.config.file`, in the format of
Prometheus's exporter-toolkit. It is checked with each request: what has changed is in force at once, without a reload.
Paths are relative to the file. `aws-vpn-exporter check-config --web.config.file=FILE` checks it. While a change cannot
be used, what was in force stays so, and `aws_vpn_exporter_web_config_last_reload_successful` is 0.

```yaml
tls_server_config: {cert_file: tls.crt, key_file: tls.key}
basic_auth_users: {prometheus: "$2y$10$..."}   # htpasswd -nBC 10 prometheus
auth_excluded_paths: [/-/healthy, /-/ready]
```
"""

WEB_DIFFERENCES = """\
### Where it differs from exporter-toolkit

What `promtool check web-config` accepts is accepted, and what it refuses is refused; a test holds both side by side,
feature by feature. These are the differences. What cannot be done here is said in one line, in the log at start and by
`check-config`.

| in the file | here |
|---|---|
| `RequireAnyClientCert`, `RequireClientCert` | refused: Python's TLS asks for no certificate without checking it |
| `client_allowed_sans` without `RequireAndVerifyClientCert` | refused: it would let in clients without a certificate |
| a file of client authorities without any certificate | refused: nobody could connect |
| a bcrypt hash that no password can fit | refused: toolkit looks at its beginning only |
| a header with a line break or other than ASCII | refused: it could not be sent |
| a key without a value | refused: a forgotten value must not turn passwords off |
| aliases, a `burst` with a fraction | refused, as in the exporter's own configuration |
| `auth_excluded_paths` | accepted: toolkit has no such key; `/-/healthy` never needs a password |
| `http2: true` | accepted; HTTP/1.1 is spoken |
| `client_auth_type: RequestClientCert` | accepted; certificates are not asked for, as nobody is refused by them |
| `curve_preferences` with more than one | accepted; before Python 3.15 only the first is offered |
| `rate_limit` | does not count `/-/healthy`, so that a busy exporter is not restarted |
"""


def metrics() -> str:
    """docs/METRICS.md."""
    connection = ("account_id", "region", "vpn_connection_id")
    sections: tuple[tuple[str, tuple[str, ...], tuple[Metric[Any], ...]], ...] = (
        ("Connections", connection, CONNECTION),
        ("Tunnels", (*connection, "tunnel_ip"), TUNNEL),
        ("Sites", ("account_id", "region", "site"), SITE),
        ("Targets", ("account_id", "region"), TARGET),
        ("Optional sources", ("account_id", "region"), SOURCE),
        ("The exporter itself", (), EXPORTER),
    )
    parts = [METRICS_HEAD, *(_metric_section(*section) for section in sections), _causes(), _options()]
    return "\n".join(parts)


def _metric_section(title: str, identity: tuple[str, ...], metrics: tuple[Metric[Any], ...]) -> str:
    common = f"Labels of every series: {_coded(identity)}.\n\n" if identity else ""
    return f"## {title}\n\n{common}" + "\n".join(map(_metric, metrics))


def _metric(metric: Metric[Any]) -> str:
    labels = f"; further labels: {_coded(metric.labels)}" if metric.labels else ""
    labels += "; not published with `series: lean`" if metric.name in LEFT_OUT else ""
    return f"### `{metric.name}`\n\n{metric.help}\n\n{metric.type.capitalize()}{labels}.\n"


def _causes() -> str:
    causes = ", ".join(f"`{cause}`" for cause in FailureCause)
    return (
        f"## Causes of failed polls\n\nThe label `cause` of `aws_vpn_target_poll_failures_total` is one of {causes}.\n"
    )


def _options() -> str:
    head = (
        "## Tunnel options\n\nAWS leaves an option out of its answer while it is at its default. Then its documented "
        'default is published, with `source="default"` where the metric is a number; `option_defaults` in the '
        "configuration replaces it.\n\n| option at AWS | published as | allowed | default |\n|---|---|---|---|\n"
    )
    return (
        head
        + "\n".join(
            f"| {option.name} | `{option.published_as}` | {_allowed(option)} | {text(option.default) or 'none'} |"
            for option in OPTIONS
        )
        + "\n"
    )


def _allowed(option: Option) -> str:
    if isinstance(option.allowed, range):
        top = option.allowed.stop - 1
        return f"from {option.allowed.start}" if top > 10**6 else f"{option.allowed.start} to {top}"
    return ", ".join(option.allowed) or ("true, false" if option.is_switch else "")


def _coded(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def configuration() -> str:
    """docs/CONFIGURATION.md."""
    main, web = Config.model_json_schema(), WebConfig.model_json_schema()
    return "\n".join(
        [
            CONFIGURATION_HEAD,
            "## Keys\n",
            _keys(main, main["$defs"]),
            *(_block(name, main["$defs"]) for name in MAIN_BLOCKS),
            WEB_HEAD,
            _keys(web, web["$defs"]),
            *(_block(name, web["$defs"]) for name in ("TlsServerConfig", "HttpServerConfig", "RateLimit")),
            WEB_DIFFERENCES,
        ]
    )


SOURCE_BLOCKS = ("TrafficBlock", "MaintenanceBlock", "NegotiatedBlock", "LogsBlock")
MAIN_BLOCKS = (
    "AccountBlock",
    "OrganizationBlock",
    "Selection",
    "PolicyBlock",
    "Match",
    "GatewayBlock",
    "WindowBlock",
    "SitesBlock",
    "HeadroomBlock",
    "RisksBlock",
    "OptionBlock",
    *SOURCE_BLOCKS,
)

TITLES = {
    "AccountBlock": "An entry of `accounts`",
    "OrganizationBlock": "`organization`",
    "Selection": "`include` and `exclude`",
    "PolicyBlock": "An entry of `policies`",
    "Match": "`match`",
    "GatewayBlock": "`customer_gateway`",
    "WindowBlock": "An entry of `planned`",
    "SitesBlock": "`sites`",
    "HeadroomBlock": "`headroom`",
    "RisksBlock": "`risks`",
    "OptionBlock": "`option_defaults`",
    "TrafficBlock": "`traffic`",
    "MaintenanceBlock": "`maintenance`",
    "NegotiatedBlock": "`negotiated`",
    "LogsBlock": "`logs`",
    "ChangesBlock": "`changes`",
    "CustomerGatewaysBlock": "`customer_gateways`",
    "QuotasBlock": "`quotas`",
    "TlsServerConfig": "`tls_server_config`",
    "HttpServerConfig": "`http_server_config`",
    "RateLimit": "`rate_limit`",
}


KINDS = {fields.DURATION_PATTERN: "duration", config.REGION_PATTERN: "region"}


def _block(name: str, definitions: Schema) -> str:
    schema = definitions[name]
    about = " ".join(schema.get("description", "").split())
    return (
        f"### {TITLES[name]}\n\n{about}\n\n{_keys(schema, definitions)}"
        if about
        else (f"### {TITLES[name]}\n\n{_keys(schema, definitions)}")
    )


def _keys(schema: Schema, definitions: Schema) -> str:
    if not schema.get("properties"):
        return "It has no keys: `{}` turns it on.\n"
    rows = "\n".join(
        f"| `{key}` | {_type(value, definitions)} | {_default(key, value, schema)} | {value.get('description', '')} |"
        for key, value in schema["properties"].items()
    )
    return f"| key | value | default | meaning |\n|---|---|---|---|\n{rows}\n"


def _type(value: Schema, definitions: Schema) -> str:
    return " or ".join(dict.fromkeys(_types(value, definitions)))


def _types(value: Schema, definitions: Schema) -> Iterator[str]:
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        yield f"block, see {TITLES[name]}"
    for branch in (*value.get("anyOf", ()), *value.get("oneOf", ())):
        yield from _types(branch, definitions)
    if "const" in value:
        yield f"`{value['const']}`"
    elif "enum" in value:
        yield ", ".join(f"`{word}`" for word in value["enum"] if word)
    elif value.get("type") == "array":
        yield f"list of {_type(value['items'], definitions)}"
    elif value.get("type") == "object":
        yield "block of names and texts"
    elif value.get("type") == "integer":
        low, high = value.get("minimum"), value.get("maximum")
        yield "number" + (f", {low} to {high}" if high and high < 10**6 else "" if low is None else f", from {low}")
    elif value.get("type") == "number":
        yield "number"
    elif value.get("type") == "boolean":
        yield "`true` or `false`"
    elif value.get("format") == "date-time":
        yield "time"
    elif value.get("type") == "string":
        yield "duration" if value.get("format") == "duration" else KINDS.get(value.get("pattern", ""), "text")


def _default(key: str, value: Schema, schema: Schema) -> str:
    if key in schema.get("required", ()):
        return "required"
    default = value.get("default")
    if isinstance(default, float):
        return f"`{duration(default)}`"
    return f"`{default}`" if isinstance(default, str | int) and default != "" else ""


def generated() -> Mapping[Path, str]:
    """Each document and its text."""
    return {DOCS / "METRICS.md": metrics(), DOCS / "CONFIGURATION.md": configuration()}


if __name__ == "__main__":
    sys.exit(main(__doc__, generated()))
