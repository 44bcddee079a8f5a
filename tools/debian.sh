# Sourced by what fetches programs of Debian without installing them. Sets nothing but functions.

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

# unpack SUITE FOLDER PACKAGE...: the files of the packages, from the first archive that has the suite. Returns 1, and
# says why, where none has.
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
        mkdir -p "$folder"
        find "$scratch/debs" -name '*.deb' -exec dpkg-deb -x {} "$folder" \;
        rm -rf "$scratch"
        return
    done
    cat "$scratch/log" >&2 2>/dev/null || true
    rm -rf "$scratch"
    echo "none of this machine's apt archives offers $* in the Debian suite $suite" >&2
    return 1
}
