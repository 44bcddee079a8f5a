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
. "$(dirname "$0")/debian.sh"

fail() {
    echo "real-parts: $*" >&2
    exit 1
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

# fetch SUITE FOLDER PACKAGE...: the packages' programs in FOLDER/bin, and what Alertmanager needs in FOLDER/lib.
fetch() {
    local suite=$1 folder=$2
    shift 2
    rm -rf "$folder"
    unpack "$suite" "$folder/unpacked" "$@" || fail "nothing fetched"
    mkdir -p "$folder/bin"
    find "$folder/unpacked/usr/bin" -maxdepth 1 -type f -exec mv {} "$folder/bin/" \;
    relocate_alertmanager "$folder"
    rm -rf "$folder/unpacked"
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
    fetch forky "$root/new" prometheus promtool prometheus-alertmanager prometheus-blackbox-exporter
    fetch bookworm "$root/old" prometheus prometheus-alertmanager
    rm -rf "$root/bin" "$root/lib"
    mv "$root/new/bin" "$root/new/lib" "$root/"
    rmdir "$root/new"
    have "$root" "${new_programs[@]}" && have "$root/old" "${old_programs[@]}" ||
        fail "the packages were unpacked, but their programs do not run on this machine"
fi

echo "$root/bin"
echo "$root/old/bin"
