#!/bin/bash
# Fetches the real programs that the tests run against: Prometheus and Alertmanager with their tools, in a new
# and in an old version. Nothing is installed: Debian packages are unpacked below .cache/real-parts.
#
#   bin      Debian forky: prometheus and promtool 3.x, alertmanager and amtool 0.33, the blackbox exporter
#   old/bin  Debian bookworm: the same as 2.42 and 0.25, without the blackbox exporter
#
# Prints both folders. Runs again in no time once they are there; delete .cache/real-parts to start afresh.
set -euo pipefail

root="$(cd "$(dirname "$0")/.." && pwd)/.cache/real-parts"

fail() {
    echo "real-parts: $*" >&2
    exit 1
}

# The archives this machine already trusts, from one-line and deb822 sources; security archives lack these packages.
archives() {
    local file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$file" ] && sed -nE 's/^[[:space:]]*deb[[:space:]]+(\[[^]]*\][[:space:]]*)?([^[:space:]]+).*/\2/p' "$file"
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] && sed -nE 's/^URIs:[[:space:]]*//Ip' "$file" | tr -s '[:space:]' '\n'
    done
    true
}

# Debian's Alertmanager reads its own templates from a fixed path below /usr/share, which nobody may need root to fill.
# The path in the program is replaced by one of the same length that a wrapper opens for it.
relocate_alertmanager() {
    local folder=$1 fixed=/usr/share/prometheus/alertmanager opened=/proc/self/fd/9///////////////////
    mkdir -p "$folder/lib"
    mv "$folder/unpacked$fixed" "$folder/lib/alertmanager-share"
    mv "$folder/bin/prometheus-alertmanager" "$folder/lib/alertmanager"
    LC_ALL=C sed -i "s|$fixed|$opened|g" "$folder/lib/alertmanager"
    cat >"$folder/bin/alertmanager" <<'WRAPPER'
#!/bin/bash
lib="$(cd "$(dirname "${BASH_SOURCE[0]}")/../lib" && pwd)"
exec 9<"$lib/alertmanager-share"
exec "$lib/alertmanager" "$@"
WRAPPER
    chmod +x "$folder/bin/alertmanager"
}

# unpack SUITE FOLDER PACKAGE...: downloads from the first archive that has the suite.
unpack() {
    local suite=$1 folder=$2 archive scratch
    shift 2
    scratch=$(mktemp -d)
    # apt drops its rights while it downloads and must still be able to write here.
    chmod 755 "$scratch"
    mkdir -p "$scratch/lists/partial" "$scratch/cache" "$scratch/debs"
    local apt=(apt-get -q -o "Dir::Etc::sourcelist=$scratch/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o "Dir::State::lists=$scratch/lists" -o "Dir::Cache=$scratch/cache" -o APT::Sandbox::User=
        -o Acquire::Languages=none -o APT::Update::Error-Mode=any)
    for archive in $(archives | grep -v security | sort -u); do
        echo "deb $archive $suite main" >"$scratch/sources.list"
        "${apt[@]}" update >"$scratch/log" 2>&1 || continue
        (cd "$scratch/debs" && "${apt[@]}" download "$@") >>"$scratch/log" 2>&1 || continue
        rm -rf "$folder"
        mkdir -p "$folder/unpacked" "$folder/bin"
        find "$scratch/debs" -name '*.deb' -exec dpkg-deb -x {} "$folder/unpacked" \;
        find "$folder/unpacked/usr/bin" -maxdepth 1 -type f -exec mv {} "$folder/bin/" \;
        relocate_alertmanager "$folder"
        rm -rf "$folder/unpacked" "$scratch"
        return
    done
    cat "$scratch/log" >&2 2>/dev/null || true
    rm -rf "$scratch"
    fail "none of this machine's apt archives offers $* in the Debian suite $suite"
}

# have FOLDER PROGRAM...: every program is there and runs.
have() {
    local folder=$1 program
    shift
    for program in "$@"; do
        "$folder/bin/$program" --version >/dev/null 2>&1 || return 1
    done
}

new_programs=(prometheus promtool alertmanager amtool prometheus-blackbox-exporter)
old_programs=(prometheus promtool alertmanager amtool)

if ! have "$root" "${new_programs[@]}" || ! have "$root/old" "${old_programs[@]}"; then
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
        fail "needs apt-get and dpkg-deb, that is Debian; elsewhere put promtool, prometheus, alertmanager and amtool on PATH"
    mkdir -p "$root"
    unpack forky "$root/new" prometheus promtool prometheus-alertmanager prometheus-blackbox-exporter
    unpack bookworm "$root/old" prometheus prometheus-alertmanager
    rm -rf "$root/bin" "$root/lib"
    mv "$root/new/bin" "$root/new/lib" "$root/"
    rmdir "$root/new"
    have "$root" "${new_programs[@]}" && have "$root/old" "${old_programs[@]}" ||
        fail "the packages were unpacked, but their programs do not run on this machine"
fi

echo "$root/bin"
echo "$root/old/bin"
