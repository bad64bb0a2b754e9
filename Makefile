# `make test-fast` is for every change: no root, no tools, no network. `make test` is everything that CI runs, `make demo` shows a
# cluster at work; both install what they need.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
# Without this, Terraform and packer look for newer versions of themselves on the internet.
export CHECKPOINT_DISABLE := 1
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: demo drill test test-fast test-tools test-lab test-kill bench bench-run setup

demo: setup
	cargo build --release --locked
	tests/demo.sh target/release/pgherd

# Drills a new cluster in the lab and adds the trials to tests/drill/report.json: `make drill TRIALS=20 FAULTS="postgres switchover"`.
# Without FAULTS, every fault that the cluster can have.
drill: TRIALS ?= 1
drill: setup
	cargo build --release --locked
	tests/drill/drill.py target/release/pgherd $(TRIALS) $(FAULTS)

test: setup
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	cargo build --locked
	target/debug/pgherd gen --check
	shellcheck .ci/run .ci/setup tests/*.sh
	cargo test --locked --no-run
	RUST_TEST_THREADS=$$(getconf _NPROCESSORS_ONLN) $(MAKE) --jobs=2 --output-sync=line test-lab test-fast test-tools

# The lab's tests mostly wait for machines, and share nothing with the others, so `make test` runs these beside them. More threads than
# processors would make time limits run out there: 4 on 2 processors did.
test-tools test-lab: test-%: setup
	cargo test --locked --test $*

# Many of these tests wait for a tool, so there are more threads than processors.
test-fast: export RUST_TEST_THREADS ?= $(shell expr 3 '*' "$$(getconf _NPROCESSORS_ONLN)")
test-fast:
	cargo test --locked --lib --test fast

# Kills pgherd, packer and terraform at 500 random instants with fake tools, where `make test` does so a dozen times,
# and at 50 in the lab, which takes most of an hour.
test-kill: setup
	PGHERD_KILLS=500 cargo test --locked --test fast cli_killed
	PGHERD_LAB_KILLS=50 cargo test --locked --test lab killed -- --nocapture

# Times `run` in the lab against the seed's order and against the bare tools.
bench-run: setup
	cargo build --release --locked --bin pgherd
	tests/bench/run.py target/release/pgherd

# Times `gen` against cp and against Jinja2. `make bench OLD=path` also compares it with an older pgherd.
bench:
	cargo build --release --locked --bin pgherd
	test -x target/bench/venv/bin/python3 || python3 -m venv target/bench/venv
	target/bench/venv/bin/pip install -q jinja2==3.1.6
	tests/bench/bench.py target/release/pgherd target/bench/venv/bin/python3 target/bench $(if $(OLD),--against $(OLD))

setup:
	.ci/setup
