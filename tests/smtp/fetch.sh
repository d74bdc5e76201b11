#!/usr/bin/env bash
# Puts aiosmtpd, a mail server in Python, into target/smtp, through pip, and prints the Python that has it.
# Safe to call at any time and from several processes: what is already whole is left as it is.
set -euo pipefail
version=1.4.6
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$(dirname "$(dirname "$here")")/target}/smtp
home=$target/$version
command -v python3 >/dev/null || {
  echo "Python is missing, and the mail server is written in it: install it with 'apt-get install python3-venv'" >&2
  exit 1
}
mkdir -p "$target"
# A virtual environment knows its own path, so it is made where it stays, by one at a time.
exec 9>"$target/lock"
flock 9
if [ ! -e "$home/whole" ]; then
  rm -rf "$home"
  python3 -m venv "$home" >&2
  "$home/bin/pip" install --quiet --disable-pip-version-check "aiosmtpd==$version" >&2
  touch "$home/whole"
fi
printf '%s\n' "$home/bin/python"
