# Two commands do everything on a machine with Python >= 3.11 and make: `make demo` and `make test`.
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)

.PHONY: demo test lint types fmt bench docs check

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

.uv/bin/uv:
	@echo "bringing uv into .uv/ (once)"
	@python3 .ci/get_uv.py .uv
