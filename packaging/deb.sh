#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# packaging/deb.sh TARBALL [DIR]: Debian packages of a "make dist" tarball, built in DIR (default deb/) by dpkg-buildpackage.
# DEB_BUILD_OPTIONS=nocheck leaves the tests out. The packages are listed at the end.
set -eu
[ $# -ge 1 ] && [ -f "$1" ] || { echo "usage: packaging/deb.sh mm-tools-VERSION.tar.xz [DIR]" >&2; exit 2; }
tarball=$(realpath "$1")
recipe=$(cd "$(dirname "$0")" && pwd)
version=$(basename "$tarball" .tar.xz)
version=${version#mm-tools-}
rm -rf "${2:-deb}"
mkdir -p "${2:-deb}"
cd "${2:-deb}"
cp "$tarball" "mm-tools_$version.orig.tar.xz"
tar xf "$tarball"
cp -r "$recipe/debian" "mm-tools-$version/debian"
sed -i "1s/([^)]*)/($version-1)/" "mm-tools-$version/debian/changelog"
(cd "mm-tools-$version" && dpkg-buildpackage -us -uc)
for deb in *.deb; do
	echo "== $deb"
	dpkg-deb -c "$deb" | awk '$1 !~ /^d/ { print $6, $7, $8 }'
done
