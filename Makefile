# make demo    a real job, spread over this machine's CPUs
# make test    everything that must hold: style, types, tests
# make chaos   long runs: new random cases for every property, then the tests marked chaos
# make bench   how fast it is, beside its peers, which are installed; make bench BENCH="tiny --runs 9" for some of it
# make clean   back to the bare checkout
#
# Each sets up .venv by itself, with the newest Python that it finds, or with make PYTHON=...

# The first of the Pythons $(2) that is new enough and has the module $(1).
find = $(firstword $(foreach p,$(2),$(shell $(p) -c 'import sys, $(1); sys.exit(sys.version_info < (3, 10))' 2>&- && echo $(p))))
# Debian keeps ensurepip in a package of its own, made for the Python that is called python3.
PYTHON ?= $(or $(call find,ensurepip,python3.13 python3.12 python3.11 python3.10 python3),$(call find,venv,python3))

bin := .venv/bin
pip := $(bin)/python -m pip --disable-pip-version-check -qq install
# Installs a Debian package where that can be done; fails where it cannot.
debian = { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "installing $(1)" && apt-get -qq update && \
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends $(1) >/dev/null; }

# Nothing in these takes a process or a clock, and they alone cover their packages.
pure := $(wildcard tests/core tests/protocol tests/scheduling)

patient := -o faulthandler_timeout=3600

.PHONY: demo test chaos bench clean

demo: .venv/installed
	@$(bin)/python examples/word_count.py

test: .venv/tools
	@perl -MTime::HiRes -e 1 2>&- || $(call debian,perl) || echo "no whole Perl: the tests of a worker written in it are skipped"
	@$(bin)/ruff check
	@$(bin)/ruff format --check
	@$(bin)/mypy
	@$(bin)/pytest -q $(pure) -m "not speed and not chaos" --cov-fail-under=100 $(pure:tests/%=--cov=spreadjobs.%)
	@$(bin)/pytest --cov

chaos: .venv/tools
	@$(bin)/pytest -q $(pure) -m "not speed and not chaos" $(patient) --hypothesis-profile=chaos
	@$(bin)/pytest -m chaos $(patient)

bench: .venv/peers
	@$(bin)/python -m benchmarks $(BENCH)

clean:
	rm -rf .venv build dist *.egg-info .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: setup.cfg pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "Python 3.10 or newer is needed. If you have one, say: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>&- || $(call debian,python3-venv) || \
		{ echo "$(PYTHON) cannot make virtual environments: install its package python3-venv, or say make PYTHON=..."; exit 1; }
	@echo "making .venv with $$($(PYTHON) --version)"
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@$(pip) --editable .
	@touch $@

.venv/tools: .venv/installed
	@$(pip) --editable '.[test]'
	@touch $@

.venv/peers: .venv/installed
	@$(pip) --editable '.[bench]'
	@touch $@
