#!/bin/sh
# Removes from the image what only installs or sets up software: pip and its kin wherever a Python image may have them,
# apt, Perl, manuals and translations. Debian's list of packages stays true, so that scanners see what is left, and so
# do the licences. Runs as a step of the Dockerfile.
set -eu

purge() {
    for package in "$@"; do
        if dpkg-query --show "$package" >/dev/null 2>&1; then
            dpkg --purge --force-depends --force-remove-essential --force-remove-protected "$package" >/dev/null
        fi
    done
}
purge python3-pip python3-venv python3.11-venv python3-wheel python3-setuptools python3-pkg-resources \
    python3-distutils python3-lib2to3 apt libapt-pkg6.0 libapt-pkg7.0 gpgv e2fsprogs logsave mount adduser perl-base

rm -rf /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip /usr/local/bin/pip* \
    /usr/lib/python3*/ensurepip /usr/lib/python3/dist-packages/pip* /usr/share/python-wheels \
    /usr/share/man /usr/share/locale /usr/share/info /usr/share/lintian /var/lib/apt /var/cache /var/log/* /root/.cache
find /usr/share/doc -type f -not -name copyright -not -path '*/aws-vpn-exporter/*' -delete
