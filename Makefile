# One command per habit. `make` alone prints the list.
PYTHON ?= python3
BIN ?= .venv/bin

.DEFAULT_GOAL := list
.PHONY: list setup check fix test test-long test-rare coverage spec reference golden race bench simulation constraints ci

list:  ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | \
	  while IFS='|' read -r name text; do printf 'make %-12s %s\n' "$$name" "$$text"; done

setup:  ## environment from constraints.txt in .venv, and the git hook
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --no-deps --require-hashes -r constraints.txt
	$(BIN)/pip install --quiet --no-deps --editable .
	mkdir -p .git/hooks
	printf '#!/bin/sh\nexec make check\n' > .git/hooks/pre-commit
	chmod +x .git/hooks/pre-commit

check:  ## format, lint, types, architecture, generated pages; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/python -m pytest -q tests/test_architecture.py
	$(BIN)/python scripts/make_specification.py --check
	$(BIN)/python scripts/make_reference.py --check
	$(BIN)/python scripts/make_cohort_page.py --check

fix:  ## repair what a program can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test:  ## the fast tests
	$(BIN)/python -m pytest

test-long:  ## the long tests and every property test with many more examples
	$(BIN)/python -m pytest -m "long or not long" --hypothesis-profile=long

test-rare:  ## the stored numbers of other programs that take minutes to make again
	$(BIN)/python -m pytest -m rare

coverage:  ## the fast tests with branch coverage
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered

spec: reference  ## write docs/specification.md from tests/spec, and docs/definitions
	$(BIN)/python scripts/make_specification.py

reference:  ## write docs/definitions and docs/published_cohorts.md from their files and the worked examples
	$(BIN)/python scripts/make_reference.py
	$(BIN)/python scripts/make_cohort_page.py

golden:  ## rewrite the kept files of tests/golden, then show what changed
	CYTOPENIA_UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q -m "long or not long" tests/golden
	git --no-pager diff --stat -- tests/golden

simulation:  ## measure how honest the statistics are at 60 patients; writes docs/simulation_study
	for name in cutoffs models imputation imputed_prediction pipeline; do $(BIN)/python scripts/simulate_$$name.py || exit 1; done

bench:  ## time and memory of the grading beside a database's own floor
	$(BIN)/python benchmarks/bench_grading.py

race:  ## times, memory and answers beside what people would use instead; writes benchmarks/RESULTS.md
	$(BIN)/python benchmarks/race

constraints:  ## pin every dependency with its hashes to the newest release
	$(BIN)/uv pip compile pyproject.toml --extra dev --python-version 3.11 --upgrade --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet --output-file constraints.txt

ci:  ## what runs before a merge, from clean environments
	.ci/run
