# Every target is one command on a machine that has make and Python 3.12 or newer, and nothing else.
PORT ?= 8000
PYTHON ?=
WORKERS ?= auto
# Markers of tests that `make test` leaves out, as pytest's -m writes them.
LEFT_OUT ?= looks or walk
export PORT PYTHON

py := .venv/bin/python
demo_env := sh tools/venv.sh demo
dev_env := sh tools/venv.sh dev

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test looks walks gate battery check bench lock messages css lighthouse screenshots image-digests advisories

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

demo: ## run the whole shop with a simulated provider: make demo [PORT=8123] [PYTHON=/path/to/python3.13]
	@$(demo_env)
	@exec $(py) -m storefront.demo

demo-reset: ## delete the demo's data
	@test ! -d .demo || { $(demo_env) && exec $(py) -m storefront.demo reset; }

test: ## run the tests: make test [ARGS="-k wallet"]
	@$(dev_env)
	@exec $(py) -m pytest -rs -n $(WORKERS) --maxprocesses 8 --maxschedchunk 4 -m "not ($(LEFT_OUT))" $(ARGS)

looks: ## open the pages in every size, theme and direction
	@$(dev_env)
	@exec $(py) -m pytest -rs -n $(WORKERS) --maxprocesses 8 --maxschedchunk 1 -m looks $(ARGS)

walks: ## what takes minutes: hostile values on every page, whole shops, the demo, old data, a small benchmark
	@$(dev_env)
	@exec $(py) -m pytest -rs -n $(WORKERS) --maxprocesses 8 --maxschedchunk 1 -m walk $(ARGS)

gate: ## prove it: model, races, parsers, processes under fire, canaries; one report in build/gate.json
	@$(dev_env)
	@exec $(py) -m tests.battery.gate $(ARGS)

battery: ## the same with bigger numbers, up to an hour; before a release
	@$(dev_env)
	@exec $(py) -m tests.battery.gate --long --report build/battery.json $(ARGS)

check: ## lint, format, types, import rules, templates, container files
	@$(dev_env)
	@exec sh tools/check.sh

bench: ## measure each figure with the bare minimum that does the same work: make bench [ARGS="--only buy"]
	@$(dev_env)
	@exec $(py) -m bench $(ARGS)

lock: ## resolve the lock files anew from pyproject.toml
	@$(dev_env)
	@exec sh tools/lock.sh

image-digests: ## pin the images of the container files to what their tags are today (needs Docker)
	@exec sh tools/image_digests.sh

advisories: ## ask whether a locked package has a known security fault (needs the network)
	@$(dev_env)
	@exec sh tools/advisories.sh

messages: ## bring the catalogs of translations in line with the texts in the code
	@$(dev_env)
	@exec $(py) tools/messages.py update

css: ## rebuild static/app.css (needs Node; the built file is committed)
	@npm --prefix ui ci --no-audit --no-fund && npm --prefix ui run build

lighthouse: ## measure the main pages of the demo as on a phone (needs Node and Chromium)
	@$(dev_env)
	@npm --prefix tools/lighthouse ci --no-audit --no-fund --silent
	@exec $(py) -m tools.measure_pages

screenshots: ## take the pictures of docs/img from the demo's data (needs Chromium)
	@$(dev_env)
	@exec $(py) -m tools.screenshots
