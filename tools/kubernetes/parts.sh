#!/bin/bash
# Makes the programs of a real Kubernetes node, once, and prints the folder that holds them:
#
#   bin      built from Go modules (go.mod names the versions): kube-apiserver, kube-controller-manager, kube-scheduler,
#            kubelet, kubectl, helm, helm-unittest
#   debian   unpacked Debian packages: etcd, containerd, runc, the CNI plugins
#   pause.tar  the image of a pod's first process
#
#   parts.sh           makes what is missing; needs Go, apt-get and dpkg-deb, and some minutes the first time
#   parts.sh --where   makes nothing: prints the folder where all is there, and fails otherwise
#
# They lie outside the checkout, in ${XDG_CACHE_HOME:-~/.cache}/aws-vpn-exporter/kubernetes.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"

programs=(helm.sh/helm/v4/cmd/helm github.com/helm-unittest/helm-unittest/cmd/helm-unittest
    k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler,kubelet,kubectl} ./pause)
version=$(sed -n 's/^require k8s.io\/kubernetes \(v[0-9.]*\).*/\1/p' "$here/go.mod")
inputs=$(cat "$here/go.mod" "$here/go.sum" "$here/pause/main.go" "$0" | sha256sum | cut -c1-16)
folder="${XDG_CACHE_HOME:-$HOME/.cache}/aws-vpn-exporter/kubernetes/$version-$inputs"

if [[ -f $folder/complete ]]; then
    echo "$folder"
    exit
elif [[ ${1:-} == --where ]]; then
    echo "the programs of a Kubernetes node are not built: run tools/kubernetes/parts.sh" >&2
    exit 1
fi
for program in go apt-get dpkg-deb; do
    command -v "$program" >/dev/null || { echo "kubernetes: $program is not installed" >&2; exit 1; }
done
. "$here/../debian.sh"
mkdir -p "$folder"

# All in one go: what they share is compiled once.
build() {
    local minor=${version#v1.}
    local package=k8s.io/component-base/version
    (cd "$here" && CGO_ENABLED=0 nice -n 10 go build -mod=readonly -trimpath -buildvcs=false -o "$folder/bin/" \
        -ldflags "-s -w -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}" \
        "${programs[@]}")
}

# An image of one layer that holds one program, in the form of `docker save`.
pause_image() {
    local work layer
    work=$(mktemp -d)
    tar -C "$folder/bin" --owner 0 --group 0 --mtime @0 -cf "$work/layer.tar" pause
    layer=$(sha256sum <"$work/layer.tar" | cut -d' ' -f1)
    echo '{"architecture":"'"$(go env GOARCH)"'","os":"linux","config":{"Entrypoint":["/pause"],"User":"65535:65535"},"rootfs":{"type":"layers","diff_ids":["sha256:'"$layer"'"]}}' >"$work/config.json"
    echo '[{"Config":"config.json","RepoTags":["localhost/pause:1"],"Layers":["layer.tar"]}]' >"$work/manifest.json"
    tar -C "$work" -cf "$folder/pause.tar" manifest.json config.json layer.tar
    rm -rf "$work"
}

build >&2
pause_image
# containerd 2 and etcd are in forky; its runc wants a newer C library than bookworm has.
unpack forky "$folder/debian" etcd-server containerd >&2
unpack bookworm "$folder/bookworm" runc containernetworking-plugins >&2
cp -a "$folder/bookworm/." "$folder/debian/"
rm -rf "$folder/bookworm"
touch "$folder/complete"
echo "$folder"
