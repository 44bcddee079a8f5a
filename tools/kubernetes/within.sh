#!/bin/bash
# within.sh FOLDER COMMAND...: runs a command inside the node that node.sh keeps in FOLDER, with its kubectl and helm.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
folder=$(realpath "$1")
shift
pid=$(cat "$folder/pid")
PATH=$("$here/parts.sh" --where)/bin:$PATH
export PATH KUBECONFIG=$folder/kubeconfig
export HELM_CACHE_HOME=$folder/helm HELM_CONFIG_HOME=$folder/helm HELM_DATA_HOME=$folder/helm
exec nsenter --target "$pid" --net --mount --pid="/proc/$pid/ns/pid_for_children" --wdns="$PWD" -- setpriv --pdeathsig KILL "$@"
