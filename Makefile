# Every verb installs what it needs first (scripts/setup); a second run finds nothing to do.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Ansible wants a UTF-8 locale, and a bare machine may have none other.
export LC_ALL := C.UTF-8

# Python and pytest keep what they compiled, whatever the shell says: that is seconds in every process of the tests.
export PYTHONDONTWRITEBYTECODE :=

CLOUD ?= aws
# Where the fleet runs: on the machines of CLOUD, in the cluster that KUBECONFIG names, or with TARGET=ecs in Amazon ECS.
TARGET ?= machines
ARGS ?=
SCENARIO ?= default
# The number of machines, for provision: what .env or the inventory says, which is 3, unless it is given here.
HOSTS ?=
export HOSTS

# PRAXIS_LEG=newest: the newest ansible-core, on a Python and in an environment of its own (scripts/leg.sh).
bin := .venv$(if $(PRAXIS_LEG),-$(PRAXIS_LEG))/bin
play = scripts/play $(1).yml $(if $(filter kubernetes ecs,$(TARGET)),$(TARGET),$(CLOUD)) $(ARGS)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  CLOUD=aws|gcp|aws,gcp  TARGET=kubernetes|ecs  HOSTS=3  ARGS="--check --diff"   and what else ansible-playbook takes'

.PHONY: cloud
cloud:
	@case '$(TARGET)' in machines | kubernetes | ecs) ;; *) echo 'TARGET=$(TARGET): use TARGET=machines, kubernetes or ecs.' >&2; exit 2 ;; esac
	@case '$(CLOUD)' in \
	  aws | gcp | aws,gcp | gcp,aws) ;; \
	  *) echo 'CLOUD=$(CLOUD): use CLOUD=aws, CLOUD=gcp, or CLOUD=aws,gcp for one fleet over both.' >&2; exit 2 ;; \
	esac
	@case '$(HOSTS)' in *[!0-9]* | 0?*) echo 'HOSTS=$(HOSTS): use a whole number, such as HOSTS=3.' >&2; exit 2 ;; esac

.PHONY: controller
controller: cloud
	@scripts/setup controller

.PHONY: setup
setup: ## install what is missing: system packages, Docker Engine, Python environment
	@scripts/setup sandbox

.PHONY: up
up: sandbox ## sandbox, machines and a deployed fleet, in one go
	@$(call play,deploy)

.PHONY: sandbox
sandbox: cloud setup ## a cloud on this machine, with HOSTS machines ready for deploy
	$(bin)/python -m sandbox up --cloud $(CLOUD)
	@$(call play,provision)

.PHONY: sandbox-down
sandbox-down: ## remove the sandbox and everything in it
	@if [ -d .sandbox ]; then $(bin)/python -m sandbox down; else echo 'No sandbox is up.'; fi

.PHONY: image
image: cloud ## build the agent's image (SOURCE=directory or git URL) or copy it (FROM=image) to where praxis_image names
	@[ -n '$(SOURCE)$(FROM)' ] || { echo 'Name SOURCE=DIRECTORY or a git URL to build from, or FROM=IMAGE to copy.' >&2; exit 2; }
	@scripts/setup image
	@$(call play,image) $(if $(SOURCE),-e 'praxis_image_source="$(SOURCE)"') $(if $(FROM),-e 'praxis_image_from=$(FROM)')

.PHONY: provision
provision: controller ## create or bring up to date the cloud resources of the fleet
	@$(call play,provision)

.PHONY: plan
plan: controller ## show what a deployment would do, and its id
	@$(call play,plan)

.PHONY: render
render: ## write what TARGET=kubernetes or TARGET=ecs is to run, as files, and touch nothing else
	@scripts/setup controller
	@scripts/play render.yml $(if $(filter ecs,$(TARGET)),ecs,kubernetes) $(ARGS)

.PHONY: deploy
deploy: controller ## deploy the fleet
	@$(call play,deploy)

# Standard output is the summary's alone: JSON=1 is for programs.
.PHONY: status
status: cloud ## what runs where, and how it is; JSON=1 for programs, WATCH=5 to leave it open
	@scripts/setup controller >&2
	@scripts/status --cloud $(if $(filter kubernetes ecs,$(TARGET)),$(TARGET),$(CLOUD)) $(if $(JSON),--json) $(if $(WATCH),--watch $(WATCH)) $(ARGS)

.PHONY: verify
verify: controller ## check the running fleet: identities, mesh, load balancer
	@$(call play,verify)

.PHONY: doctor
doctor: controller ## look for what would make a deployment fail, before there is one
	@$(call play,doctor)

.PHONY: policies
policies: controller ## the permissions that each verb needs in the cloud, as JSON
	@unset ANSIBLE_CALLBACKS_ENABLED; ANSIBLE_STDOUT_CALLBACK=praxis.cloud.summary $(call play,policies) # JSON is all that it prints

.PHONY: rollback
rollback: controller ## back to the deployment before, or ARGS="-e praxis_to=ID"
	@$(call play,rollback)

.PHONY: backup
backup: controller ## a snapshot of every slot's disk, while its file system stands still
	@$(call play,backup)

# BACKUP=newest, or a name that it lists when none is given.
BACKUP ?=
.PHONY: restore
restore: controller ## a backup in the place of the slots' disks: BACKUP=NAME; the old disks stay
	@$(call play,restore) $(if $(BACKUP),-e praxis_backup=$(BACKUP))

.PHONY: history
history: controller ## the deployments that the fleet has had
	@$(call play,history)

.PHONY: lock
lock: controller ## keep others from deploying: ARGS="-e 'praxis_lock_reason=\"why so\"'"
	@$(call play,lock)

.PHONY: unlock
unlock: controller ## end that lock
	@$(call play,unlock)

.PHONY: down
down: controller ## remove the fleet, its cloud resources, and the sandbox if one is up
	@scripts/down $(if $(filter kubernetes ecs,$(TARGET)),$(TARGET),$(CLOUD)) $(ARGS)

.PHONY: first-leg newest-leg legs
first-leg:
	@scripts/setup test

newest-leg:
	@PRAXIS_LEG=newest scripts/setup test || [ $$? = 3 ] # no such Python: the runner says what it leaves out

# Two Python environments, which take a core each.
legs:
	@scripts/setup test-system
	@$(MAKE) --jobs 2 --output-sync=line first-leg newest-leg

.PHONY: test
test: legs ## everything CI runs: every kind of run once, on real machines
	@$(bin)/python -m tests.lanes test $(LANES)

.PHONY: test-all
test-all: legs ## everything: all repetitions, storms and scenes, too
	@scripts/setup docs
	@$(bin)/python -m tests.lanes all $(LANES)

.PHONY: test-fast
test-fast: ## linters, types and the quick unit tests: no containers
	@scripts/setup test-fast
	@$(bin)/python -m tests.lanes fast

.PHONY: test-newest
test-newest: ## linters, unit tests and a deployment with the newest Ansible, on Python 3.13
	@PRAXIS_LEG=newest scripts/setup test
	@.venv-newest/bin/python -m tests.lanes newest

.PHONY: test-ee
test-ee: ## build an execution environment, and deploy a fleet from inside it
	@scripts/setup test
	@PRAXIS_LEG=newest scripts/setup test # its collections go into the image
	@$(bin)/python -m tests.lanes all ee

.PHONY: test-kubernetes
test-kubernetes: ## a fleet in a real cluster: the one that KUBECONFIG names, or one that is built here
	@scripts/setup test
	@$(bin)/python -m pytest -q -p no:cacheprovider -m "" tests/kubernetes $(ARGS)

.PHONY: lint
lint: ## ruff, mypy, yamllint, ansible-lint
	@scripts/setup test-fast
	@scripts/lint

.PHONY: sanity
sanity: ## ansible-test sanity
	@scripts/setup test-fast
	@scripts/sanity

.PHONY: release
release: ## build the collection's archive and try it: build/release
	@scripts/setup test-fast
	@scripts/release

.PHONY: docs
docs: ## the documentation as a site: build/docs/index.html
	@scripts/setup docs
	@scripts/docs

.PHONY: molecule
molecule: ## one of Molecule's scenarios, on machines of its own: SCENARIO=default
	@scripts/setup test
	@PATH="$(CURDIR)/$(bin):$$PATH" molecule test --scenario-name $(SCENARIO)

.PHONY: bench
bench: ## speed, against community modules and a bare script: build/bench.json
	@scripts/setup test
	$(bin)/python -m tests.bench $(ARGS)

.PHONY: planted
planted: ## the planted faults: every one must be caught
	@scripts/setup test
	$(bin)/python -m tests.planted $(ARGS)

.PHONY: clean
clean: sandbox-down ## remove the sandbox and everything built; keeps .venv, .venv-docs and .venv-newest
	rm -rf build tests/output .mypy_cache .pytest_cache .ruff_cache .hypothesis .ansible
	find . -name .git -prune -o -name '.venv*' -prune -o -type d -name __pycache__ -exec rm -rf {} +
