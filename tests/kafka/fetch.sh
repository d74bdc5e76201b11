#!/usr/bin/env bash
# Puts the jars of Apache Kafka VERSION (default 4.1.1) into target/kafka/VERSION, through Maven, and prints that folder.
# Safe to call at any time and from several processes: what is already whole is left as it is.
set -euo pipefail
version=${1:-4.1.1}
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$(dirname "$(dirname "$here")")/target}
libs=$target/kafka/$version
if [ -d "$libs" ]; then
  printf '%s\n' "$libs"
  exit 0
fi
command -v mvn >/dev/null || {
  echo "Maven is missing, and Kafka comes through it: install it with 'apt-get install maven', or set KAFKA_HOME" >&2
  exit 1
}
mkdir -p "$target/kafka"
fetched=$(mktemp -d "$target/kafka/.fetching.XXXXXX")
trap 'rm -rf "$fetched"' EXIT
mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -Dkafka.version="$version" -DoutputDirectory="$fetched/libs" >&2
# Two may have fetched at once: the first one's folder stays, whole as it is.
mv -T "$fetched/libs" "$libs" 2>/dev/null || [ -d "$libs" ]
printf '%s\n' "$libs"
