"""Writes the image's bill of materials: every Debian and every Python package in it, as CycloneDX 1.6 (JSON).

    python sbom.py FILE

It runs inside the image with nothing but the standard library, as the last step of the build.
"""

import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

Component = dict[str, Any]

ITSELF = "aws-vpn-exporter"
_FIELDS = ("binary:Package", "Version", "Architecture", "source:Package", "source:Version")


def debian() -> Iterator[Component]:
    """The Debian packages that are installed; their source is what security advisories go by."""
    form = "\\t".join(f"${{{field}}}" for field in _FIELDS) + "\\n"
    run = subprocess.run(["dpkg-query", "--show", "--showformat", form], check=True, capture_output=True, text=True)
    release = platform.freedesktop_os_release()
    for line in run.stdout.splitlines():
        package, version, architecture, source, source_version = line.split("\t")
        name = package.partition(":")[0]
        where = f"arch={architecture}&distro={release['ID']}-{release.get('VERSION_ID', 'unstable')}"
        yield {
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:deb/debian/{name}@{version}?{where}",
            "properties": [
                {"name": "aquasecurity:trivy:SrcName", "value": source},
                {"name": "aquasecurity:trivy:SrcVersion", "value": source_version},
            ],
        }


def python() -> Iterator[Component]:
    """The packages beside this interpreter."""
    for found in distributions():
        name = re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower()
        yield {
            "type": "application" if name == ITSELF else "library",
            "name": name,
            "version": found.version,
            "purl": f"pkg:pypi/{name}@{found.version}",
            **_licence(found),
        }


def _licence(found: Distribution) -> Component:
    if "License-Expression" not in found.metadata:
        return {}
    return {"licenses": [{"expression": found.metadata["License-Expression"]}]}


def bill() -> Component:
    """The whole document. A component is referred to by its purl."""
    components = sorted((*debian(), *python()), key=lambda one: str(one["purl"]))
    for one in components:
        one["bom-ref"] = one["purl"]
    (itself,) = (one for one in components if one["name"] == ITSELF)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": itself},
        "components": [one for one in components if one is not itself],
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(bill(), indent=1) + "\n", encoding="utf-8")
