"""A real Kubernetes node for tests, and what is done with it: kubectl, helm, and commands beside the pods."""

import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from testbed.programs import REPOSITORY, wait_for
from tests.helm import image
from tests.helm.chart import CHART
from tests.support.real_programs import missing

ADDRESS = "203.0.113.1"
"""Of the node, as pods see it."""
AWS_PORT = 4566
REGIONS = (
    "eu-west-1",
    "eu-west-2",
    "eu-central-1",
    "eu-north-1",
    "us-east-1",
    "us-east-2",
    "us-west-2",
    "ap-southeast-2",
)
CREDENTIALS = "vpn-credentials"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}

_TOOLS = REPOSITORY / "tools" / "kubernetes"
_STARTS_WITHIN = 180
_OWN = {"configmap/kube-root-ca.crt", "serviceaccount/default"}
"""What every namespace has."""


def parts() -> Path:
    """The folder with the programs of a node and with helm. Skips the test where they are not built."""
    run = subprocess.run([_TOOLS / "parts.sh", "--where"], capture_output=True, text=True, check=False)
    return Path(run.stdout.strip()) if run.returncode == 0 else missing(run.stderr.strip())


@dataclass(frozen=True)
class Node:
    """A node that runs, whose files are in `folder`."""

    folder: Path

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs something inside the node's namespaces."""
        return [str(_TOOLS / "within.sh"), str(self.folder), *arguments]

    def run(self, *arguments: str, stdin: str = "", timeout: float = 120) -> str:
        """What a command inside the node writes. Raises AssertionError, with all that it says, where it fails."""
        done = subprocess.run(
            self.command(*arguments), input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0, f"{shlex.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        return self.run("kubectl", *arguments, stdin=stdin)

    def get(self, *arguments: str) -> Any:
        """The objects, or the one, that `kubectl get` finds."""
        found = json.loads(self.kubectl("get", "--output=json", *arguments))
        return found["items"] if found.get("kind", "").endswith("List") else found

    @contextmanager
    def namespace(self, name: str, labels: Mapping[str, str] = RESTRICTED) -> Iterator["Namespace"]:
        """A namespace with credentials for the simulated AWS in it, as long as the block lasts."""
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels)}}
        self.kubectl("apply", "--filename=-", stdin=json.dumps(manifest))
        made = Namespace(self, name)
        made.secret(CREDENTIALS, {"AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo"})
        yield made
        self.kubectl("delete", "namespace", name, "--wait=false")

    @contextmanager
    def background(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command that runs inside the node until the block ends."""
        with subprocess.Popen(self.command(*arguments), stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
            try:
                yield process
            finally:
                process.kill()


@dataclass(frozen=True)
class Namespace:
    """A namespace of the node, in which the chart is installed as the release `vpn`."""

    node: Node
    name: str
    given: set[str] = field(default_factory=set)
    """What the test put into it, as `kind/name`."""

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        return self.node.kubectl("--namespace", self.name, *arguments, stdin=stdin)

    def get(self, *arguments: str) -> Any:
        return self.node.get("--namespace", self.name, *arguments)

    def helm(self, *arguments: str) -> str:
        return self.node.run("helm", "--namespace", self.name, *arguments)

    def secret(self, name: str, texts: Mapping[str, str]) -> None:
        self._apply("Secret", name, stringData=dict(texts))

    def config_map(self, name: str, texts: Mapping[str, str]) -> None:
        self._apply("ConfigMap", name, data=dict(texts))

    def upgrade(self, values: Mapping[str, Any], *arguments: str) -> str:
        """Installs the release, or makes it what the values say, and waits until it is ready."""
        file = self.node.folder / f"{self.name}-values.yaml"
        file.write_text(yaml.safe_dump({**image.VALUES, **values}), encoding="utf-8")
        return self.helm(
            "upgrade", "--install", "vpn", str(CHART), f"--values={file}", "--wait", "--timeout=180s", *arguments
        )

    def uninstall(self) -> None:
        """Takes the release away; what was not there before it has gone with it."""
        self.helm("uninstall", "vpn", "--wait", "--timeout=180s")
        with suppress(TimeoutError):
            wait_for(lambda: not self.left_over(), 300, "nothing is left over, pods that hand over included")
        assert not self.left_over(), f"an uninstallation leaves {self.left_over()}"

    def left_over(self) -> set[str]:
        """What is in the namespace beside what every namespace has and what the test put into it."""
        kinds = "all,configmap,secret,serviceaccount,ingress,networkpolicy,poddisruptionbudget,controllerrevision"
        return set(self.kubectl("get", kinds, "--output=name").split()) - _OWN - self.given

    def pods(self) -> dict[str, Any]:
        """The release's pods that are not told to end, by name."""
        found = self.get("pods", "--selector=app.kubernetes.io/instance=vpn")
        return {pod["metadata"]["name"]: pod for pod in found if "deletionTimestamp" not in pod["metadata"]}

    def all_pods(self) -> set[str]:
        """The names of all of the release's pods, those that are told to end among them."""
        return {pod["metadata"]["name"] for pod in self.get("pods", "--selector=app.kubernetes.io/instance=vpn")}

    def fetch(self, url: str, *arguments: str) -> tuple[int, str]:
        """Status and text; any certificate will do."""
        text = self.node.run(
            "curl", "--silent", "--insecure", "--max-time", "5", "--write-out", "\n%{http_code}", url, *arguments
        )
        body, _, status = text.rpartition("\n")
        return int(status), body

    def _apply(self, kind: str, name: str, **content: Any) -> None:
        self.given.add(f"{kind.lower()}/{name}")
        manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **content}
        self.kubectl("apply", "--filename=-", stdin=json.dumps(manifest))


@contextmanager
def started(folder: Path) -> Iterator[Node]:
    """A node with the image of this checkout and with a simulated AWS beside it."""
    if os.geteuid() != 0:
        missing("a Kubernetes node needs root for its namespaces and mounts")
    parts()
    with subprocess.Popen(
        [_TOOLS / "node.sh", folder, image.archive()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            wait_for_line(process, "READY")
            node = Node(folder)
            with node.background(
                sys.executable, "-m", "tests.helm.simulated_aws", ADDRESS, str(AWS_PORT), *REGIONS
            ) as aws:
                wait_for_line(aws, "READY")
                yield node
        finally:
            process.terminate()
            process.wait(120)


def wait_for_line(process: subprocess.Popen[str], wanted: str) -> None:
    """Returns once the process has written the line; fails, with what it wrote, where it ends or takes too long."""
    assert process.stdout
    late = threading.Timer(_STARTS_WITHIN, process.kill)
    late.start()
    said = []
    for line in process.stdout:
        said.append(line)
        if line.strip() == wanted:
            late.cancel()
            return
    raise AssertionError("".join(said))
