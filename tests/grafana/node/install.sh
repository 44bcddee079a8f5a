#!/usr/bin/env bash
# Puts Grafana's libraries (Apache-2.0, from npm, as package-lock.json says) into a cache outside the repository, unless
# they are there. Prints the folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
key=$(cat "$here/package-lock.json" "$here/bundle.mjs" | sha256sum | cut -c1-12)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/aws-vpn-exporter/grafana-libraries-$key
if [ ! -d "$folder" ]; then
  mkdir -p "$(dirname "$folder")"
  # Whoever comes second finds the folder whole or not at all.
  new=$(mktemp -d "$folder.XXXXXX")
  trap 'rm -rf "$new"' EXIT
  cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$new"
  (cd "$new" && npm ci --ignore-scripts --silent >&2)
  node "$here/bundle.mjs" "$new"
  mv -T "$new" "$folder" 2>/dev/null || [ -d "$folder" ]
fi
echo "$folder"
