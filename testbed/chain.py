"""The chain behind the exporter: the shipped rules and Alertmanager example in real programs, up to the message.

What a person would have to wait for is divided by `speed`: how often something is asked or evaluated, each "for",
how long notifications are gathered. Everything else stays as it is shipped, expressions and their windows above all.
"""

import json
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from testbed.programs import REPOSITORY, find, free_port, program, wait_for

RULES = REPOSITORY / "alerts" / "aws-vpn.rules.yaml"
ALERTMANAGER = REPOSITORY / "alerts" / "alertmanager"
JOB = "aws-vpn-exporter"

_HURRIED = {"interval", "for", "keep_firing_for", "group_wait", "group_interval", "repeat_interval"}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SCRAPE_INTERVAL = "15s"

DEAD_MANS_SWITCH = "dead-mans-switch"
"""The receiver whose messages no person reads: they come all the time."""


def seconds(duration: str) -> float:
    """The length of a duration of one unit, as the rules write them."""
    return float(duration[:-1]) * _SECONDS[duration[-1]]


def hurried(duration: str, speed: float, least: float = 0.001) -> str:
    """A duration divided by `speed`, but no shorter than `least` seconds."""
    return f"{max(seconds(duration) / speed, least) * 1000:.0f}ms"


def hurry(value: Any, speed: float) -> Any:
    """The same YAML with its waiting times divided by `speed`; nothing is evaluated more than once a second."""
    if isinstance(value, list):
        return [hurry(one, speed) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: hurried(one, speed, 1 if key == "interval" else 0.001) if key in _HURRIED else hurry(one, speed)
        for key, one in value.items()
    }


def shipped_rules() -> dict[str, Any]:
    """The rules file as a tree."""
    return dict(yaml.safe_load(RULES.read_text()))


def alertmanager_config(speed: float, mailbox: str) -> dict[str, Any]:
    """The shipped example, hurried; what it would send to the world goes to the mailbox, rendered all the same."""
    config: dict[str, Any] = hurry(yaml.safe_load((ALERTMANAGER / "alertmanager.yaml").read_text()), speed)
    for receiver in config["receivers"]:
        url = f"{mailbox}/{receiver['name']}"
        for pagerduty in receiver.get("pagerduty_configs", ()):
            del pagerduty["routing_key_file"]
            pagerduty.update(routing_key="demo", url=url)
        for slack in receiver.get("slack_configs", ()):
            del slack["api_url_file"]
            slack["api_url"] = url
        for webhook in receiver.get("webhook_configs", ()):
            del webhook["http_config"]
            webhook["url"] = url
    return config


def prometheus_config(speed: float, exporters: Sequence[str], alertmanager: str) -> dict[str, Any]:
    """What the README tells to write, and where the alerts go."""
    pace = hurried(_SCRAPE_INTERVAL, speed, 1)
    return {
        "global": {"scrape_interval": pace, "evaluation_interval": pace},
        "rule_files": ["aws-vpn.rules.yaml"],
        "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": list(exporters)}]}],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
    }


@dataclass(frozen=True)
class Message:
    """A notification as its receiver gets it."""

    receiver: str
    firing: bool
    title: str
    text: str
    conversation: str
    """What makes two messages belong together: a pager opens one incident for it."""


class Mailbox:
    """Stands for PagerDuty, Slack and the ticket system on one local port, and keeps what they get."""

    def __init__(self, on_message: Callable[[Message], None] = lambda message: None) -> None:
        self._received: list[Message] = []
        self._lock = threading.Lock()
        self._on_message = on_message
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def messages(self, receiver: str | None = None) -> list[Message]:
        """What came so far, in order: for one receiver, or for all that people read."""
        with self._lock:
            return [
                message
                for message in self._received
                if message.receiver == receiver or (receiver is None and message.receiver != DEAD_MANS_SWITCH)
            ]

    def put(self, message: Message) -> None:
        with self._lock:
            self._received.append(message)
        if message.receiver != DEAD_MANS_SWITCH:
            self._on_message(message)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        mailbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                mailbox.put(_message(self.path.strip("/"), body))
                self.send_response(202)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the parent's
                """Say nothing: the messages are what is read."""

        return Handler


def _message(receiver: str, body: Mapping[str, Any]) -> Message:
    """Read a PagerDuty event, a Slack message or Alertmanager's own webhook."""
    if "event_action" in body:
        payload = body["payload"]
        text = str(payload.get("custom_details", {}).get("firing", "")).strip()
        return Message(receiver, body["event_action"] == "trigger", payload["summary"], text, body["dedup_key"])
    if "attachments" in body:
        shown = body["attachments"][0]
        firing = not shown["title"].startswith("RESOLVED")
        return Message(receiver, firing, shown["title"], shown["text"].strip(), shown["title_link"])
    names = sorted({alert["labels"]["alertname"] for alert in body["alerts"]})
    text = "\n".join(alert["annotations"].get("description", "") for alert in body["alerts"])
    return Message(receiver, body["status"] == "firing", ", ".join(names), text, body["groupKey"])


@dataclass(frozen=True)
class Chain:
    """Prometheus and Alertmanager, running."""

    prometheus: str
    alertmanager: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The answer to an instant query."""
        answer = _json(f"{self.prometheus}/api/v1/query?{urlencode({'query': expression})}")
        return list(answer["data"]["result"])

    def muted(self) -> set[tuple[str, str]]:
        """The alerts that an inhibition holds back: each with the tunnel or connection that it is about."""
        return {
            (labels["alertname"], labels.get("tunnel_ip") or labels.get("vpn_connection_id", ""))
            for labels in (alert["labels"] for alert in self._alerts() if alert["status"]["inhibitedBy"])
        }

    def _alerts(self) -> Any:
        return _json(f"{self.alertmanager}/api/v2/alerts")

    def knows(self, exporters: int) -> bool:
        """Whether it scrapes so many exporters and has found Alertmanager; an alert before that reaches nobody."""
        found = _json(f"{self.prometheus}/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
        return bool(found) and len(self.query(f'up{{job="{JOB}"}} == 1')) == exporters


@contextmanager
def chain(
    folder: Path,
    exporters: Sequence[str],
    mailbox: str,
    *,
    speed: float,
    old: bool = False,
) -> Iterator[Chain]:
    """Prometheus, which scrapes these exporters (host:port), and Alertmanager, which sends to the mailbox.

    Begins when Prometheus has scraped each exporter and found Alertmanager. Files and logs go
    below `folder`; `old` takes the programs of Debian bookworm.
    """
    addresses = {name: f"127.0.0.1:{free_port()}" for name in ("prometheus", "alertmanager")}
    programs = {name: find(name, old) for name in addresses}
    _write(folder / "aws-vpn.rules.yaml", hurry(shipped_rules(), speed))
    _write(folder / "alertmanager.yaml", alertmanager_config(speed, mailbox))
    _write(folder / "prometheus.yaml", prometheus_config(speed, exporters, addresses["alertmanager"]))
    shutil.copytree(ALERTMANAGER / "templates", folder / "templates", dirs_exist_ok=True)
    own = {
        "prometheus": [f"--storage.tsdb.path={folder / 'prometheus'}"],
        "alertmanager": [f"--storage.path={folder / 'alertmanager'}", "--cluster.listen-address="],
    }
    with ExitStack() as running:
        for name, address in addresses.items():
            common = [f"--config.file={folder / name}.yaml", f"--web.listen-address={address}"]
            running.enter_context(program(folder / f"{name}.log", programs[name], *common, *own[name]))
        made = Chain(*(f"http://{address}" for address in addresses.values()))
        wait_for(lambda: _ready(made.alertmanager), 60, "Alertmanager answers", folder)
        wait_for(lambda: made.knows(len(exporters)), 60, "Prometheus scrapes and has found Alertmanager", folder)
        yield made


def _ready(url: str) -> bool:
    with urlopen(f"{url}/-/ready", timeout=5) as answer:
        return bool(answer.status == 200)


def _json(url: str) -> Any:
    with urlopen(url, timeout=5) as answer:
        return json.load(answer)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(content), sort_keys=False))
