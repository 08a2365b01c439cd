# EventStream: `make help` lists the targets. Each sets up what it needs by itself and can be run again at any time.
SHELL := /bin/bash
.DEFAULT_GOAL := help
DATA ?= $(CURDIR)/artifacts/data
PORTS ?= 7000
CONFIGURATION ?= Debug
SECONDS_EACH ?= 300
SEED ?= $(shell date +%s)
EVENTSTREAM := artifacts/bin/eventstream
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1

.PHONY: help setup build test test-fast soak demo up down clean bench docs image format

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what the platform needs (apt, npm, NuGet), once
	@infra/local/setup.sh

build: setup ## build everything; the command is artifacts/bin/eventstream
	@echo "  build   EventStream.sln ($(CONFIGURATION))"
	@dotnet build EventStream.sln -c $(CONFIGURATION) --no-restore --nologo -v q -clp:NoSummary

test: lint build ## check the format, then run all tests: unit, integration, end to end
	@infra/local/test.sh $(CONFIGURATION)

test-fast: build ## the unit tests only, in under a minute
	@infra/local/test.sh $(CONFIGURATION) Unit

soak: build ## the fault runs at length, SECONDS_EACH for each of them (SEED=n repeats one), on loopback
	@EVENTSTREAM_SOAK_SECONDS=$(SECONDS_EACH) EVENTSTREAM_SOAK_SEED=$(SEED) infra/local/test.sh $(CONFIGURATION) \
	  Integration Embedded --filter Category=Fault

demo: build ## run the whole journey on real parts, print a report, stop everything
	@dotnet run --project tests/Journey -c $(CONFIGURATION) --no-build -- --out artifacts/demo

up: build ## start the platform and leave it running until Ctrl-C
	@$(EVENTSTREAM) up --data "$(DATA)" --base-port $(PORTS)

down: ## stop what `up --background` started
	@if [ -x $(EVENTSTREAM) ]; then $(EVENTSTREAM) down --data "$(DATA)"; else echo "nothing is built, so nothing runs"; fi

clean: down ## remove the platform's data
	@rm -rf "$(DATA)" artifacts/demo && echo "removed $(DATA)"

# The measured broker is the command itself, built for release like what it is compared with.
bench: build ## run the benchmarks, or one by ONLY="first rung": a table, and JSON lines in artifacts/bench.jsonl
	@dotnet build services/Cli -c Release --nologo -v q -clp:NoSummary
	@dotnet build tests/Benchmarks -c Release --nologo -v q -clp:NoSummary
	@dotnet run --project tests/Benchmarks -c Release --no-build -- $(if $(ONLY),--only "$(ONLY)",--out artifacts/bench.jsonl)

docs: build ## write docs/openapi, docs/asyncapi.json and docs/settings.md from the code
	@EVENTSTREAM_WRITE_DOCS=1 dotnet test tests/Unit -c $(CONFIGURATION) --no-build --nologo --filter Category=Docs

image: setup ## build the container image eventstream:latest (CONTAINER_ENGINE=none only stages it)
	@infra/deploy/image.sh

format: setup ## bring the source into the house's format
	@infra/local/format.sh write

lint: setup ## say which files are not in the house's format
	@infra/local/format.sh check
