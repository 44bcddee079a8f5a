#!/bin/bash
# One real Kubernetes node (etcd, API server, controller manager, scheduler, containerd, kubelet) in namespaces of its
# own, from which nothing leads out of the machine. Needs root and what parts.sh makes.
#
#   node.sh FOLDER IMAGE.tar...
#
# Says READY once pods can run. FOLDER holds kubeconfig, the logs and `pid`, by which within.sh gets inside. On SIGTERM
# everything ends and nothing is left but the logs. There is no kube-proxy, no DNS and no enforcement of
# NetworkPolicies in it.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"

if [[ -z ${INSIDE:-} ]]; then
    ((EUID == 0)) || { echo "node: namespaces, mounts and cgroups need root" >&2; exit 1; }
    mkdir -p "$1"
    folder=$(realpath "$1")
    PARTS=$("$here/parts.sh" --where)
    CGROUP=/aws-vpn-exporter-$$
    export PARTS CGROUP INSIDE=1

    # A pod's cgroups outlive its processes.
    clean() {
        kill -KILL "$(cat "$folder/pid")" 2>/dev/null || true
        wait 2>/dev/null || true
        rm -rf "$folder"/{etcd,containerd,kubelet,ipam,certs*}
        find /sys/fs/cgroup -depth -path "/sys/fs/cgroup/*$CGROUP*" -type d -exec rmdir {} + 2>/dev/null || true
    }
    trap clean EXIT
    trap 'exit 0' TERM INT
    setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child --propagation private --mount-proc \
        "$here/node.sh" "$folder" "${@:2}" &
    echo $! >"$folder/pid"
    wait $!
    exit
fi

cd "$1"
images=("${@:2}")
PATH=$PARTS/bin:$PARTS/debian/usr/bin:$PARTS/debian/usr/sbin:$PATH
unset "${!AWS_@}"

# A program of the node, with a log of its own.
start() { "$@" >"$(basename "$1").log" 2>&1 & }

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || { echo "node: $what is not ready; see the logs in $PWD" >&2; exit 1; }
        sleep 0.1
    done
}

network() {
    mount --make-rshared /
    mount -t tmpfs tmpfs /run
    ip link set lo up
    # A kernel may lack dummy links; a bridge without ports is as good. The default route gives pods a way to it.
    ip link add node0 type bridge
    ip address add 203.0.113.1/24 dev node0
    ip link set node0 up
    ip route add default dev node0
    echo 'nameserver 127.0.0.1' >resolv.conf
}

# The kubelet removes the cgroups of pods that it does not know, so that each node has a root of its own.
cgroups() {
    local hierarchy
    if [[ -f /sys/fs/cgroup/cgroup.controllers ]]; then
        mkdir -p "/sys/fs/cgroup$CGROUP"
        sed 's/\(\S\+\)/+\1/g' /sys/fs/cgroup/cgroup.controllers | tee /sys/fs/cgroup/cgroup.subtree_control \
            >"/sys/fs/cgroup$CGROUP/cgroup.subtree_control"
        return
    fi
    for hierarchy in $(awk '$3 == "cgroup" {print $2}' /proc/mounts); do
        mkdir -p "$hierarchy$CGROUP"
        for file in cpuset.cpus cpuset.mems; do
            [[ ! -f $hierarchy/$file ]] || cat "$hierarchy/$file" >"$hierarchy$CGROUP/$file"
        done
    done
}

control_plane() {
    openssl genrsa -out sa.key 2048 2>/dev/null
    echo admin-token,admin,admin,system:masters >tokens.csv
    cat >kubeconfig <<END
apiVersion: v1
kind: Config
current-context: node
contexts: [{name: node, context: {cluster: node, user: admin}}]
clusters: [{name: node, cluster: {server: "https://127.0.0.1:6443", insecure-skip-tls-verify: true}}]
users: [{name: admin, user: {token: admin-token}}]
END
    export KUBECONFIG=$PWD/kubeconfig
    start etcd --data-dir etcd --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
        --listen-peer-urls http://127.0.0.1:2380 --unsafe-no-fsync
    start kube-apiserver --etcd-servers=http://127.0.0.1:2379 --bind-address=127.0.0.1 --advertise-address=127.0.0.1 \
        --secure-port=6443 --cert-dir=certs --service-cluster-ip-range=10.96.0.0/16 --token-auth-file=tokens.csv \
        --authorization-mode=Node,RBAC --service-account-key-file=sa.key --service-account-signing-key-file=sa.key \
        --service-account-issuer=https://kubernetes.default.svc --endpoint-reconciler-type=none \
        --kubelet-preferred-address-types=InternalIP
    runtime
    wait_for 60 "the API server" kubectl get --raw /readyz
    start kube-controller-manager --kubeconfig=kubeconfig --service-account-private-key-file=sa.key \
        --leader-elect=false --bind-address=127.0.0.1 --cert-dir=certs-controller-manager
    start kube-scheduler --kubeconfig=kubeconfig --leader-elect=false --bind-address=127.0.0.1 \
        --cert-dir=certs-scheduler
}

runtime() {
    mkdir -p cni
    cat >cni/10-pods.conflist <<END
{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "cni0", "isGateway": true,
 "ipam": {"type": "host-local", "dataDir": "$PWD/ipam", "ranges": [[{"subnet": "198.51.100.0/24"}]],
 "routes": [{"dst": "0.0.0.0/0"}]}}]}
END
    cat >containerd.toml <<END
version = 3
root = '$PWD/containerd'
state = '/run/containerd'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = 'localhost/pause:1'
[plugins.'io.containerd.cri.v1.runtime']
  disable_apparmor = true
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  BinaryName = '$PARTS/debian/usr/sbin/runc'
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['$PARTS/debian/usr/lib/cni']
  conf_dir = '$PWD/cni'
END
    start containerd -c containerd.toml
    wait_for 30 containerd ctr version
    for image in "$PARTS/pause.tar" "${images[@]}"; do
        ctr -n k8s.io images import "$image" >>import.log
    done
}

worker() {
    cat >kubelet.yaml <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: $CGROUP
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
resolvConf: $PWD/resolv.conf
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
# How soon a changed ConfigMap or Secret reaches a pod; Kubernetes' own default is a minute.
syncFrequency: 5s
configMapAndSecretChangeDetectionStrategy: Watch
END
    start kubelet --config=kubelet.yaml --kubeconfig=kubeconfig --root-dir="$PWD/kubelet" --cert-dir=certs-kubelet \
        --hostname-override=node1 --node-ip=203.0.113.1
    wait_for 60 "the node" kubectl wait --for=condition=Ready node/node1 --timeout=5s
}

network
cgroups
control_plane
worker
echo READY
wait
