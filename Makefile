# make demo   network -> hardware -> proof, on two images     make test   everything that is checked
# make report  energy, cycles, sparsity and peers of the shipped network, as one HTML page
# Nothing here needs root; `sparsespike doctor` prints what a machine lacks.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
TEST_BUDGET := 1500

.PHONY: demo test lint report study docs explore-kills cosim-long bench performance activity energy-peers accuracy formal resources fmax convention explore-speed clean
.DEFAULT_GOAL := demo

.venv/.created:
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { echo "error: $(PYTHON) -m venv failed: on Debian and Ubuntu install python3-venv" >&2; rm -rf .venv; exit 1; }
	@touch $@

.venv/.demo: pyproject.toml | .venv/.created
	@echo "installing into .venv (minutes the first time)"
	$(BIN)/python -m pip install --quiet --editable '.[golden,cosim]'
	@touch $@

.venv/.dev: pyproject.toml requirements-oracle.txt | .venv/.created
	@echo "installing into .venv (minutes the first time)"
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --no-deps --requirement requirements-oracle.txt
	@touch $@ .venv/.demo .venv/.report

.venv/.report: .venv/.demo
	$(BIN)/python -m pip install --quiet --editable '.[golden,report]'
	@touch $@

demo: .venv/.demo
	$(BIN)/sparsespike cosim --images 2

report: .venv/.report
	$(BIN)/sparsespike report $(if $(wildcard build/cosim.json),--cosim build/cosim.json)

test: .venv/.dev
	@start=$$(date +%s); status=0; \
	$(BIN)/python -m pytest -q --durations=15 || status=$$?; \
	echo "test time: $$(( $$(date +%s) - start )) s of a budget of $(TEST_BUDGET) s"; \
	exit $$status

lint: .venv/.dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

cosim-long: .venv/.dev
	$(BIN)/python -m cocotb_tests.random_pairs --pairs 300 --engines 40

bench: .venv/.dev
	$(BIN)/python -m bench.simulator_vs_rtl

performance: .venv/.dev
	$(BIN)/python -m bench.performance

activity: .venv/.dev
	$(BIN)/python -m bench.activity

energy-peers: .venv/.dev
	$(BIN)/python -m bench.energy_peers --write-docs

convention: .venv/.dev
	$(BIN)/python -m bench.paper_convention

# The study goes on without the synthesis, and then says nothing about the ECP5.
study: .venv/.dev
	-$(BIN)/sparsespike synth --target ecp5-85k --engine small --seeds 0 --json build/ecp5-85k.json
	$(BIN)/sparsespike explore study --verify-front 3 --json build/study.json
	$(BIN)/python -m bench.study study build/explore/study build/study.json \
	  $$(ls build/ecp5-85k.json 2>/dev/null)

docs: .venv/.dev
	$(BIN)/python -m mkdocs build --strict --quiet
	$(BIN)/python -m nbconvert --execute --to html --output-dir build/site docs/study.ipynb

explore-kills: .venv/.dev
	EXPLORE_KILLS=20 $(BIN)/python -m pytest -q -s tests/cli/test_explore_kills.py

build/4-384.int8.npz: | .venv/.dev
	$(BIN)/python -m model.random_ticket spikformer-4-384 --out $@

explore-speed: build/4-384.int8.npz
	$(BIN)/python -m bench.explore_speed --ticket $< --write-docs

accuracy: .venv/.dev
	$(BIN)/python -m bench.accuracy

formal: .venv/.dev
	$(BIN)/python -m hw.formal

resources: .venv/.dev
	$(BIN)/python -m bench.resources --target xc7

fmax: .venv/.dev
	$(BIN)/python -m bench.fmax --write-docs

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +
