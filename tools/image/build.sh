#!/bin/bash
# Builds the image of this checkout with buildah, without a registry and without a daemon, and prints the archive that
# holds it (`podman load`, `ctr images import`). Needs root, buildah and podman; nothing stays outside two folders:
#
#   ${XDG_CACHE_HOME:-~/.cache}/aws-vpn-exporter/image   the base image, made by debootstrap once
#   .cache/image                                         the archive, made anew when what it is made from has changed
#
# PYTHON_IMAGE names another base image, which buildah then pulls.
set -euo pipefail
cd "$(dirname "$0")/../.."

suite=bookworm
cache="${XDG_CACHE_HOME:-$HOME/.cache}/aws-vpn-exporter/image"
name=localhost/aws-vpn-exporter
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' exporter/aws_vpn_exporter/__init__.py)
inputs=$(cat .dockerignore Dockerfile tools/image/* pyproject.toml README.md LICENSE NOTICE requirements/*.txt \
    $(find exporter -type f -not -name '*.pyc' | sort) <(echo "${PYTHON_IMAGE:-$suite}") | sha256sum | cut -c1-16)
archive="$PWD/.cache/image/$inputs.tar"

# One at a time: whoever comes second finds the archive.
mkdir -p .cache/image
exec 9>.cache/image/lock
flock 9
if [[ -f $archive ]]; then
    echo "$archive"
    exit
fi
for program in buildah podman debootstrap; do
    command -v "$program" >/dev/null || { echo "image: $program is not installed" >&2; exit 1; }
done
((EUID == 0)) || { echo "image: building without a daemon needs root" >&2; exit 1; }

work=$(mktemp -d)
mkdir -p "$cache"
# Images in a folder of their own, so that none is left behind among those of the machine.
storage=(--root "$work/storage" --runroot "$work/run" --storage-driver overlay)
clean() {
    buildah "${storage[@]}" rm --all >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean EXIT

# A slim Debian with Python, in place of the base image from a registry. It trusts what this machine trusts.
base() {
    [[ -f $cache/$suite.tar ]] && return
    debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,python-is-python3,ca-certificates \
        "$suite" "$work/base" >&2
    rm -rf "$work"/base/var/cache/apt/archives/*.deb "$work"/base/var/lib/apt/lists/*
    tar -C "$work/base" -cf "$work/base.tar" .
    mv "$work/base.tar" "$cache/$suite.tar"
    rm -rf "$work/base"
}

arguments=(--build-arg "VERSION=$version" --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)")
if [[ -z ${PYTHON_IMAGE:-} ]]; then
    base
    PYTHON_IMAGE=localhost/python:$suite
    podman "${storage[@]}" import --quiet "$cache/$suite.tar" "$PYTHON_IMAGE" >&2
    arguments+=(--volume /etc/ssl/certs:/etc/ssl/certs:ro)
fi
buildah "${storage[@]}" bud --quiet --isolation chroot --network host "${arguments[@]}" \
    --build-arg "PYTHON_IMAGE=$PYTHON_IMAGE" --tag "$name:$version" . >&2
podman "${storage[@]}" save --quiet --output "$work/image.tar" "$name:$version" >&2
rm -f .cache/image/*.tar
mv "$work/image.tar" "$archive"
echo "$archive"
