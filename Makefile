# The commands of this project; `make help` lists them.
.DEFAULT_GOAL := help
BOOTSTRAP := tools/bootstrap
JOBS ?= $(shell nproc)
# More for ctest, as in: make test CTEST_ARGS='-R assembler'
CTEST_ARGS ?=
# More for cmake in `make test`.
CMAKE_ARGS ?=
# Seconds that `make fuzz` gives to each fuzzer.
FUZZ_SECONDS ?= 20
# How many connections `make oracle` plays in each mode, how many transfers `make honest` makes, and from which seed; 0 is
# a fresh one, and printed. RELOADS, MINUTES: of `make soak`.
N ?=
SEED ?= 0

.PHONY: help bootstrap build install test asan tsan coverage bench fuzz oracle faults honest soak evasions lint format reasons bless demo clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

bootstrap: ## install what is missing (Debian packages)
	@$(BOOTSTRAP)

build: bootstrap ## build the program; it stands at build/lockstep
	cmake --preset release >/dev/null
	cmake --build --preset release
	@ln -sf release/lockstep build/lockstep

install: build ## install program, manual, unit and rules below PREFIX (/usr/local), and DESTDIR before that
	cmake --preset release -DCMAKE_INSTALL_PREFIX=$(or $(PREFIX),/usr/local) >/dev/null
	cmake --install build/release

test: bootstrap ## install, build and run every test
	cmake --preset dev $(CMAKE_ARGS) >/dev/null
	cmake --build --preset dev
	ctest --preset dev -j $(JOBS) $(CTEST_ARGS)

asan: bootstrap ## all tests under the address and undefined-behaviour sanitizers
	cmake --preset asan >/dev/null
	cmake --build --preset asan
	ctest --preset asan -j $(JOBS) $(CTEST_ARGS)

tsan: bootstrap ## the tests that start threads, under the thread sanitizer
	cmake --preset tsan >/dev/null
	cmake --build --preset tsan --target threaded_tests
	ctest --preset tsan -j $(JOBS) -L threads --no-tests=error $(CTEST_ARGS)

coverage: bootstrap ## which share of lines and branches the tests reach, by folder
	cmake --preset coverage >/dev/null
	cmake --build --preset coverage
	find build/coverage -name '*.gcda' -delete
	ctest --preset coverage -j $(JOBS) $(CTEST_ARGS)
	tools/coverage build/coverage

bench: bootstrap ## build and run the benchmarks: the parts, the whole program (bench/replay), the wire (bench/inline, as root)
	cmake --preset bench >/dev/null
	cmake --build --preset bench
	@for program in build/bench/bench_*; do echo "$$program"; $$program || exit 1; done
	bench/replay
	bench/inline

fuzz: bootstrap ## run each fuzzer for FUZZ_SECONDS (20) on its committed corpus
	cmake --preset fuzz >/dev/null
	cmake --build --preset fuzz
	FUZZ_SECONDS=$(FUZZ_SECONDS) tools/fuzz

oracle: bootstrap ## N (100000) hostile connections of each mode against this kernel, with and without the engine
	cmake --preset dev >/dev/null
	cmake --build --preset dev --target oracle
	build/dev/oracle --count $(or $(N),100000) --seed $(SEED) --jobs $(JOBS) --save build/oracle

faults: bootstrap ## switch each fault on in turn: the oracle has to find it within N (20000) connections
	cmake --preset dev >/dev/null
	cmake --build --preset dev --target oracle
	build/dev/oracle --fault table --count $(or $(N),20000) --seed $(SEED) --show 0

honest: bootstrap ## N (10000) transfers between two kernels over a bad network, with and without the engine
	cmake --preset dev >/dev/null
	cmake --build --preset dev --target honest
	build/dev/honest --count $(or $(N),10000) --seed $(SEED) --jobs $(JOBS) --save build/honest

soak: bootstrap ## RELOADS (1000) under connections and under load, then MINUTES (2) with kills and restarts; needs root
	cmake --preset dev >/dev/null
	cmake --build --preset dev --target lockstep
	LOCKSTEP_RELOADS=$(or $(RELOADS),1000) LOCKSTEP=$(CURDIR)/build/dev/lockstep /usr/bin/python3 tests/live/reload_test.py
	LOCKSTEP_RELOADS=$(or $(RELOADS),1000) LOCKSTEP=$(CURDIR)/build/dev/lockstep /usr/bin/python3 tests/live/load_test.py
	LOCKSTEP_MINUTES=$(or $(MINUTES),2) LOCKSTEP=$(CURDIR)/build/dev/lockstep /usr/bin/python3 tests/live/soak_test.py

evasions: bootstrap ## write docs/EVASIONS.md anew: each way to evade, against this kernel and through the engine
	cmake --preset dev >/dev/null
	cmake --build --preset dev --target evasions
	build/dev/evasions --markdown docs/EVASIONS.md

lint: bootstrap ## format, layers, file lengths, docs/REASONS.md, clang-tidy; writes nothing
	tools/lint

format: bootstrap ## format the sources in place
	git ls-files '*.cpp' '*.hpp' | xargs clang-format -i

reasons: ## write docs/REASONS.md anew from the lists of reasons
	tools/reasons > docs/REASONS.md

bless: bootstrap ## accept the program's present transcripts as the expected ones
	@test -x tools/bless || { echo 'tools/bless is missing: there are no expected transcripts yet' >&2; exit 1; }
	cmake --preset dev >/dev/null
	cmake --build --preset dev --target lockstep
	tools/bless

demo: build ## an attack capture through the program, then live attacks between two namespaces: what is blocked, what passes
	@tools/demo build/lockstep
	@tools/demo-live build/lockstep

clean: ## remove what was built
	rm -rf build
