# Two commands do everything on a machine with Python >= 3.11 and make: `make demo` and `make test`.
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)

.PHONY: demo test lint types fmt bench docs check audit leaks sbom

demo: $(UV)
	@$(UV) run gateway demo

test: $(UV)
	$(UV) run pytest $(ARGS)

lint: $(UV)
	$(UV) run ruff check
	$(UV) run ruff format --check

types: $(UV)
	$(UV) run mypy

fmt: $(UV)
	$(UV) run ruff check --fix
	$(UV) run ruff format

bench: $(UV)
	$(UV) run python -m bench

docs: $(UV)
	$(UV) run gateway schema --markdown > docs/flow-reference.md

check: lint types test

audit: $(UV)
	@$(UV) run --quiet --locked --group supply python .ci/audit.py $(ARGS)

leaks: $(UV)
	@$(UV) run --quiet --locked --group supply python .ci/leaks.py $(ARGS)

# What a call runs on, in CycloneDX's form: the gateway's packages, and those of Twilio Functions (npm marks those that
# are for development; its --omit dev leaves out too many).
SBOM ?= sbom
sbom: $(UV)
	@mkdir -p $(SBOM)
	@$(UV) export --quiet --locked --no-default-groups --format cyclonedx1.5 --output-file $(SBOM)/gateway.cdx.json >/dev/null
	@npm sbom --prefix twilio-functions --package-lock-only --sbom-format cyclonedx > $(SBOM)/functions.cdx.json
	@ls $(SBOM)/gateway.cdx.json $(SBOM)/functions.cdx.json

.uv/bin/uv:
	@echo "bringing uv into .uv/ (once)"
	@python3 .ci/get_uv.py .uv
