#!/usr/bin/env bash
# Lays out the root file system of an image that holds one program: deploy/docker/rootfs.sh PROGRAM FOLDER
#
# FOLDER gets the program, the shared libraries that it is linked to, the certificate authorities of this system, and
# the names of one user who is not root. It begins empty. On Debian it also gets what scanners of images look for: which
# packages the libraries are from, in which version and under which licence.
set -euo pipefail
[ $# = 2 ] || { echo "usage: ${0##*/} PROGRAM FOLDER" >&2; exit 2; }
program=$1 root=$2
repository=$(cd "$(dirname "$0")/../.." && pwd)
authorities=/etc/ssl/certs/ca-certificates.crt

[ -x "$program" ] || { echo "there is no program $program: build it first" >&2; exit 1; }
[ -s "$authorities" ] || { echo "$authorities is missing: install ca-certificates" >&2; exit 1; }
mkdir -p "$root"
[ -z "$(ls -A "$root")" ] || { echo "$root is not empty" >&2; exit 1; }

install -D -m 0755 "$program" "$root/usr/bin/${program##*/}"
install -D -m 0644 "$repository/LICENSE" "$root/usr/share/doc/${program##*/}/copyright"
install -D -m 0644 "$authorities" "$root$authorities"

mkdir -p "$root"/{dev,etc/plimsoll,proc,sys,tmp}
printf 'root:x:0:0::/:/nonexistent\nplimsoll:x:65532:65532::/var/lib/plimsoll:/nonexistent\n' >"$root/etc/passwd"
printf 'root:x:0:\nplimsoll:x:65532:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"

# from_package FILE: notes the package that FILE is from.
from_package() {
  command -v dpkg-query >/dev/null || return 0
  local package
  # Where /lib is a link to /usr/lib, the package may know the file by either name.
  package=$(dpkg-query --search "$1" "$(realpath "$1")" "/usr$1" 2>/dev/null | head -n 1 | cut -d : -f 1) || true
  [ -n "$package" ] || return 0
  mkdir -p "$root/var/lib/dpkg/status.d" "$root/usr/share/doc/$package"
  dpkg-query --status "$package" | sed '/^Conffiles:/,/^[^ ]/{/^Conffiles:/d;/^ /d}' >"$root/var/lib/dpkg/status.d/$package"
  cp -L "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/copyright"
}
[ ! -e /etc/os-release ] || cp -L /etc/os-release "$root/etc/os-release"

# As the loader finds them: `name => /path (address)`, and the loader itself, which has a path only.
ldd "$program" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' | sort -u | while read -r library; do
  install -D -m 0755 "$library" "$root$library"
  from_package "$library"
done
from_package /usr/sbin/update-ca-certificates
