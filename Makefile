# Everything a person or a build machine does with Mien. `make` alone lists it.
# Settings go behind the target: make run VISION=3 MIEN_HTTP_PORT=9000 (all of them: deploy/local/environment).

SHELL := /bin/bash
SWIFT_FOLDERS := Package.swift Services Shared Tests
TRAINING := .local/training/bin/python
# A file of its own: the interpreter is a link to one that others share.
TRAINING_INSTALLED := .local/training/installed
ARGS ?=

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 20

run: ## Install what is missing, build, start everything, print the page's address; Ctrl-C stops
	@deploy/local/run

stop: ## Stop what `make run` started, and nothing else; data survives
	@deploy/local/suite stop

status: ## Services with their readiness, queues, dead letters, the latest recommendations
	@deploy/local/suite status

dead-letters: ## List what the stages gave up (ARGS="replay --job ID", "replay --all", "purge --all", "--json")
	@deploy/local/dead-letters $(ARGS)

backup: ## Write the database and the broker's settings into a file, also while everything runs
	@deploy/local/backup

restore: ## Bring back the newest backup (FROM=file: that one); people erased since are erased again
	@deploy/local/restore $(FROM)

setup: ## Install packages and fetch the networks; plain `swift build` works after it
	@deploy/local/install
	@deploy/local/models

build: ## Build the services for release
	@swift build --configuration release

test: ## Run every test on a broker, a database and ports of its own (FILTER=name: only those)
	@deploy/local/test

screenshots: ## Write pictures of the page's states, on a desktop and a phone, into .local/screenshots
	@deploy/local/test screenshots

check-deploy: ## Check compose.yaml, the Dockerfile and how set-up gets the networks; needs no container engine
	@deploy/check/containers
	@python3 -m unittest discover --start-directory Tests/SetupTests

check-spark: ## Check the batch on Spark against PySpark on this machine and a database of its own
	@deploy/spark/check

check-imports: ## Check that modules import only what the architecture allows
	@deploy/check/imports

lint: ## Check the Swift format and the import arrows
	@swift format lint --strict --parallel --recursive $(SWIFT_FOLDERS)
	@deploy/check/imports

format: ## Format the Swift sources in place
	@swift format --in-place --parallel --recursive $(SWIFT_FOLDERS)

secrets: ## Make the passwords that deploy/compose.yaml reads, in .local/secrets
	@deploy/local/compose-secrets

chaos: ## Kill, stop and hang every part in turn under a stream of jobs (ARGS="--seed 1 --jobs 1000 --kills 100"); minutes
	@swift build --configuration release
	@Tests/Chaos/chaos $(ARGS)

bench: ## Measure the whole suite: throughput, latency by stage, 1 to 16 workers
	@Tests/Benchmarks/suite $(ARGS)

bench-page: ## Measure how soon the page is painted and ready where every answer takes 400 ms
	@deploy/local/test bench-page

bench-people: ## Measure who is known again, through the whole suite (ARGS="--images FOLDER", photos as LFW has them)
	@Tests/Benchmarks/people/run $(ARGS)

bench-batch: ## Measure the recommender's loop on Postgres with 20 M ratings, and answers meanwhile
	@Tests/Benchmarks/batch $(ARGS)

bench-vision: ## Measure vision against the paper's stack
	@Tests/Benchmarks/vision/run $(ARGS)

bench-als: ## Measure the recommender's engine against implicit (ARGS="--spark", "--scale", "--ratings 2000000 --repeat 1")
	@Tests/Benchmarks/als/run $(ARGS)

bench-identity: ## Measure identity's search against FAISS and OpenBLAS (ARGS="--faces 100000 300000")
	@Tests/Benchmarks/identity/run $(ARGS)

fuzz: ## Send spoilt pictures through the whole service (ARGS="--seed 2 --count 500")
	@Tests/Benchmarks/fuzz $(ARGS)

train-identity: $(TRAINING_INSTALLED) ## Train the identity network (ARGS="--data DIR ...")
	@$(TRAINING) -m Training.identity.train $(ARGS)

train-expression: $(TRAINING_INSTALLED) ## Train the expression network (ARGS="--data DIR ...")
	@$(TRAINING) -m Training.expression.train $(ARGS)

pack-training: $(TRAINING_INSTALLED) ## Pack into .gpu what a GPU machine needs to train both networks (ARGS="--data DIR")
	@$(TRAINING) -m Training.expression.gpu.pack --out .gpu/x $(ARGS)
	@$(TRAINING) -m Training.identity.gpu.pack --out .gpu $(ARGS)

check-training: $(TRAINING_INSTALLED) ## Test the training code and run a few steps of both on made-up data
	@$(TRAINING) -m unittest discover --start-directory Tests/TrainingTests
	@$(TRAINING) -m Training.identity.train --smoke
	@$(TRAINING) -m Training.expression.train --smoke

$(TRAINING_INSTALLED): Training/requirements.txt
	@python3 -m venv .local/training
	@.local/training/bin/pip install --quiet --disable-pip-version-check --requirement Training/requirements.txt
	@touch $@

.PHONY: help run stop status dead-letters backup restore setup build test fuzz check-deploy check-spark check-imports lint format secrets chaos bench bench-page bench-als bench-batch bench-identity bench-people \
	bench-vision train-identity train-expression pack-training check-training
