bin="$${MESHSCOPE_CACHE:-$$HOME/.cache/meshscope}/engines/bin"
if [ ! -x "$$bin/otelcol" ]; then
  case "$$(uname -m)" in x86_64) arch=amd64 ;; *) arch=arm64 ;; esac
  mkdir -p "$$bin"
  work="$$(mktemp -d)"
  get() {  # what, version, file, file of checksums: the release's own checksum decides
    base="https://github.com/$$1/releases/download/v$$2"
    (cd "$$work" && curl --fail --silent --show-error --location --remote-name "$$base/$$3")
    sum="$$(curl --fail --silent --show-error --location "$$base/$$4" | grep "$$3\$$" | cut -d' ' -f1)"
    echo "$$sum  $$work/$$3" | sha256sum --check --quiet
    tar -xzf "$$work/$$3" -C "$$work"
  }
  get prometheus/prometheus "$$PROMETHEUS_VERSION" \
    "prometheus-$$PROMETHEUS_VERSION.linux-$$arch.tar.gz" sha256sums.txt
  get prometheus/alertmanager "$$ALERTMANAGER_VERSION" \
    "alertmanager-$$ALERTMANAGER_VERSION.linux-$$arch.tar.gz" sha256sums.txt
  get open-telemetry/opentelemetry-collector-releases "$$OTELCOL_VERSION" \
    "otelcol-contrib_$${OTELCOL_VERSION}_linux_$$arch.tar.gz" \
    opentelemetry-collector-releases_otelcol-contrib_checksums.txt
  install "$$work"/prometheus-*/promtool "$$work"/alertmanager-*/amtool "$$bin"
  install "$$work/otelcol-contrib" "$$bin/otelcol"
fi
