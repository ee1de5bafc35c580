# make app: the dashboard. make test: every test. make quick: those that take seconds. make check: format, lint, types. make env: the environment.
# make demo-all: every defense on the digits, one after the other, and their table. make bench: what things cost here.
# make bench-scale: one job in several processes and on a cluster of Ray, and whether it ends the same; a store of ImageNet's size.
# make docs: these pages as a site in site/, warnings as errors.
# make torture: kills, full disks, set clocks and power losses, an hour of them; as root it tries more of them.
.PHONY: app test quick check env format demo-all bench bench-scale docs torture

PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.complete
RUN := $(VENV)/bin/python

# Streamlit asks for a home; a user without a name, as in a container, may have none.
export HOME ?= $(or $(shell getent passwd $$(id -u) | cut -d: -f6),/nonexistent)

# Tests start hundreds of processes: what one has compiled serves the others.
test quick: export PYTHONDONTWRITEBYTECODE :=

app: env
	$(RUN) -m streamlit run app/main.py

# Files of tests side by side, each process with a thread of its own: more would wait for each other.
test: env
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(RUN) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Within three minutes: without browsers, real images, and whatever takes more than a second or two.
quick: env
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(RUN) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder -m "not slow and not e2e"

check: env
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy

format: env
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

EVERY := std,smd,smd:preset=ame,at,trades,mart,fat,gairat,mma,dat,iaat,cat,ates,customized-at

demo-all: env
	@$(RUN) -m smd sweep --data digits --defenses $(EVERY) --wait --format markdown

bench: env
	$(RUN) -m smd.bench

bench-scale: env
	$(RUN) -m smd.bench scale cluster communication schedule large

# The parts of the pages that the code knows itself are written anew first.
docs: $(VENV)/.docs
	$(RUN) docs/generate.py
	$(RUN) -m sphinx -q -W --keep-going -c docs . site

torture: env
	$(RUN) -m tests.torture --markdown docs/torture.md

env: $(STAMP)

# The stamp is written last: an interrupted installation is done again.
$(STAMP): requirements.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "SMD Studio needs Python 3.11 or newer: set PYTHON=/path/to/python3.11"; exit 1; }
	@$(RUN) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) \
		|| { echo "python3-venv is missing: apt-get install python3-venv, then try again"; exit 1; }
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	@touch $(STAMP)

$(VENV)/.docs: $(STAMP) docs/requirements.txt
	$(RUN) -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt -c constraints.txt
	@touch $(VENV)/.docs
