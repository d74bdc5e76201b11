# `make` says what there is to make.
.DEFAULT_GOAL := help
.PHONY: help demo check test torture bench deps

help: ## what there is to make
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST)

demo: ## a real Kafka with a small workload, watched live until Ctrl-C; BOOTSTRAP_SERVER=host:port watches yours
	@deploy/demo/run.sh $(if $(BOOTSTRAP_SERVER),--bootstrap-server '$(BOOTSTRAP_SERVER)')

check: ## the fast loop: format, lints, unit tests
	@.ci/deps check
	cargo fmt --check
	cargo clippy --all-targets --quiet -- -D warnings
	cargo test --quiet --lib --bins

test: deps ## everything, also against real Kafka 3.9 and 4.1
	@.ci/test

torture: deps ## kills the daemon 200 times between an alert and its delivery, on real Kafka
	@tests/kafka/fetch.sh 4.1.1 >/dev/null
	PLIMSOLL_TORTURE=1 cargo test --test it -- --nocapture delivery::killed_at_any_moment

bench: ## the measured speed of the hot paths
	@.ci/deps check
	cargo bench

deps: ## installs what the tests need (Debian and Ubuntu, as root), else names it
	@.ci/deps test
