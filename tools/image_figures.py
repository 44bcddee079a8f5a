"""What is in the image: its size, and how many packages could have a vulnerability.

python -m tools.image_figures ARCHIVE

ARCHIVE is what `tools/image/build.sh` prints.
"""

import io
import json
import sys
import tarfile
from collections import Counter
from pathlib import Path

BILL = "usr/share/doc/aws-vpn-exporter/sbom.cdx.json"


def figures(archive: Path) -> str:
    """One line: megabytes of all files, and packages by kind."""
    with tarfile.open(archive) as image:
        manifest = json.loads(_content(image, "manifest.json"))
        layers = [_content(image, layer) for layer in manifest[0]["Layers"]]
    size, kinds = 0, Counter[str]()
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(layer)) as files:
            size += sum(member.size for member in files if member.isfile())
            bill = json.loads(_content(files, BILL))
        kinds += Counter(one["purl"].split("/")[0] for one in bill["components"])
    return (
        f"{size / 1e6:.0f} MB in {len(layers)} layer, "
        f"{kinds['pkg:deb']} Debian packages, {kinds['pkg:pypi']} Python packages beside the exporter"
    )


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    for spelling in (name, f"./{name}"):
        if spelling in archive.getnames():
            found = archive.extractfile(spelling)
            return found.read() if found else b""
    raise ValueError(f"there is no {name} in it")


if __name__ == "__main__":
    print(figures(Path(sys.argv[1])))
