# The work is in cargo, npm and infra/dev; here are its names.
export ARTEL_CACHE ?= $(HOME)/.cache/artel
export CARGO_TARGET_DIR ?= $(ARTEL_CACHE)/target

.PHONY: up test bench lint fmt ui
.DEFAULT_GOAL := up

# Everything from a bare machine to a running workshop; ARGS go to `artel serve`.
up:
	@infra/dev/prerequisites up
	@infra/dev/ui
	@infra/dev/release
	@exec "$(CARGO_TARGET_DIR)/release/artel" serve --prepare $(ARGS)

# Everything CI runs.
test:
	@infra/dev/test

# Start-up time and memory of the release build.
bench:
	@infra/dev/prerequisites up
	@infra/dev/ui
	@infra/dev/release
	@bench/startup

lint:
	@infra/dev/lint

fmt:
	@cargo fmt --all

# The web app, into gateway/ui/dist; it is embedded when artel is built.
ui:
	@infra/dev/ui
