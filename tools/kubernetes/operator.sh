#!/bin/bash
# Makes the Prometheus Operator's programs, once, and prints the folder that holds them:
#
#   bin    operator and admission-webhook, built from Go modules (operator/go.mod names the version)
#   crds   the kinds that it adds to Kubernetes
#
#   operator.sh           makes what is missing; needs Go and some minutes the first time
#   operator.sh --where   makes nothing: prints the folder where all is there, and fails otherwise
set -euo pipefail
here="$(cd "$(dirname "$0")/operator" && pwd)"

module=github.com/prometheus-operator/prometheus-operator
version=$(sed -n "s|^require $module \(v[0-9.]*\).*|\1|p" "$here/go.mod")
inputs=$(cat "$here/go.mod" "$here/go.sum" "$0" | sha256sum | cut -c1-16)
folder="${XDG_CACHE_HOME:-$HOME/.cache}/aws-vpn-exporter/operator/$version-$inputs"

if [[ -f $folder/complete ]]; then
    echo "$folder"
    exit
elif [[ ${1:-} == --where ]]; then
    echo "the Prometheus Operator is not built: run tools/kubernetes/operator.sh" >&2
    exit 1
fi
command -v go >/dev/null || { echo "operator: go is not installed" >&2; exit 1; }
cd "$here"
mkdir -p "$folder"/{bin,crds}
CGO_ENABLED=0 nice -n 10 go build -mod=readonly -trimpath -buildvcs=false -ldflags '-s -w' -o "$folder/bin/" \
    "$module/cmd/operator" "$module/cmd/admission-webhook" >&2
cp "$(go list -m -f '{{.Dir}}' "$module")"/example/prometheus-operator-crd/*.yaml "$folder/crds/"
chmod -R u+w "$folder"
touch "$folder/complete"
echo "$folder"
