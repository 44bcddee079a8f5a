"""Just enough of a kubelet to start the pod of a rendered manifest: volumes, environment, arguments, probes."""

import json
import os
import re
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aws_vpn_exporter
from testbed.programs import REPOSITORY
from tests.helm.chart import Manifest
from tests.support.real_programs import missing

Files = Mapping[str, str]

_ANY_CERTIFICATE = ssl.create_default_context()
_ANY_CERTIFICATE.check_hostname = False
_ANY_CERTIFICATE.verify_mode = ssl.CERT_NONE


@dataclass(frozen=True)
class Cluster:
    """What pods refer to, by name."""

    config_maps: Mapping[str, Files] = field(default_factory=dict)
    secrets: Mapping[str, Files] = field(default_factory=dict)


@dataclass(frozen=True)
class Running:
    """A started container."""

    manifest: Manifest
    process: subprocess.Popen[str]

    def probe(self, name: str) -> int:
        """The status that the kubelet's probe gets: no password, any certificate will do."""
        get = container_of(self.manifest)[name]["httpGet"]
        return fetched(f"{get['scheme'].lower()}://127.0.0.1:{self._port(get['port'])}{get['path']}")[0]

    def wait_until_ready(self, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.probe("readinessProbe") == 200:
                    return
            except OSError:
                pass  # not listening yet
            time.sleep(0.1)
        self.process.kill()
        raise AssertionError(f"never ready:\n{self.process.communicate()[0]}")

    def _port(self, name: str) -> int:
        ports = {port["name"]: port["containerPort"] for port in container_of(self.manifest)["ports"]}
        return int(ports[name])


def container_of(manifest: Manifest) -> dict[str, Any]:
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    return dict(container)


def fetched(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Status and text, of errors as well. Raises OSError where nobody listens."""
    request = urllib.request.Request(url, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=5, context=_ANY_CERTIFICATE) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def environment(manifest: Manifest, cluster: Cluster, ordinal: int = 0) -> dict[str, str]:
    found = {}
    for variable in container_of(manifest).get("env", []):
        if "value" in variable:
            found[variable["name"]] = variable["value"]
        elif "secretKeyRef" in variable["valueFrom"]:
            reference = variable["valueFrom"]["secretKeyRef"]
            secret = cluster.secrets[reference["name"]]
            if reference["key"] in secret or not reference.get("optional"):
                found[variable["name"]] = secret[reference["key"]]
        else:
            assert variable["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.labels['apps.kubernetes.io/pod-index']"
            found[variable["name"]] = str(ordinal)
    return found


def arguments(manifest: Manifest, variables: Mapping[str, str]) -> list[str]:
    """The container's arguments; $(NAME) is a variable."""
    return [
        re.sub(r"\$\((\w+)\)", lambda match: variables[match[1]], argument)
        for argument in container_of(manifest)["args"]
    ]


def volumes(manifest: Manifest, cluster: Cluster, folder: Path) -> dict[str, Path]:
    """By its path in the container, the folder that is mounted there."""
    mounted = {}
    for mount in container_of(manifest).get("volumeMounts", []):
        (volume,) = (v for v in manifest["spec"]["template"]["spec"]["volumes"] if v["name"] == mount["name"])
        here = folder / volume["name"]
        here.mkdir(parents=True)
        for files in _sources(volume, cluster):
            for name, text in files.items():
                (here / name).write_text(text, encoding="utf-8")
        mounted[mount["mountPath"]] = here
    return mounted


def _sources(volume: Mapping[str, Any], cluster: Cluster) -> Iterator[Files]:
    if "configMap" in volume:
        yield cluster.config_maps[volume["configMap"]["name"]]
    elif "secret" in volume:
        yield cluster.secrets[volume["secret"]["secretName"]]
    else:
        yield from (cluster.secrets[source["secret"]["name"]] for source in volume["projected"]["sources"])


def image(instruction: str) -> Any:
    """What the last such instruction of the Dockerfile says; a list where it is written as one."""
    said = re.findall(rf"^{instruction} (.+)$", (REPOSITORY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    return json.loads(said[-1]) if said[-1].startswith("[") else said[-1]


@contextmanager
def started(manifest: Manifest, cluster: Cluster, folder: Path, ordinal: int = 0) -> Iterator[Running]:
    """The container of that pod, running as its security contexts say, with this machine's Python as its image."""
    if os.geteuid() != 0:
        missing("a container's file system and user are made with unshare and setpriv, which needs root")
    pod = manifest["spec"]["template"]["spec"]
    assert container_of(manifest)["securityContext"]["readOnlyRootFilesystem"] is True
    variables = environment(manifest, cluster, ordinal)
    (folder / "root").mkdir(parents=True)
    python = dict.fromkeys(map(str, (sys.prefix, sys.base_prefix, Path(aws_vpn_exporter.__file__).parents[1])))
    binds = [f"{path}:{path}" for path in python if not path.startswith("/usr")]
    binds += [f"{source}:{path}" for path, source in volumes(manifest, cluster, folder / "volumes").items()]
    user, group = (str(pod["securityContext"][key]) for key in ("runAsUser", "runAsGroup"))
    (program,) = image("ENTRYPOINT")
    process = subprocess.Popen(
        _unshared(
            folder / "root", user, group, binds, [f"{sys.prefix}/bin/{program}", *arguments(manifest, variables)]
        ),
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield Running(manifest, process)
        finally:
            process.kill()


def _unshared(root: Path, user: str, group: str, binds: Sequence[str], command: Sequence[str]) -> list[str]:
    script = str(Path(__file__).with_name("container.sh"))
    return ["unshare", "--mount", script, str(root), user, group, *binds, "--", *command]
