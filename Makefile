# The commands of this project; `make help` lists them.
.DEFAULT_GOAL := help
BOOTSTRAP := tools/bootstrap

.PHONY: help bootstrap build test asan format clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

bootstrap: ## install what is missing (Debian packages)
	@$(BOOTSTRAP)

build: bootstrap ## build the program; it stands at build/lockstep
	cmake --preset release >/dev/null
	cmake --build --preset release
	ln -sf release/lockstep build/lockstep

test: bootstrap ## install, build and run every test
	cmake --preset dev >/dev/null
	cmake --build --preset dev
	ctest --preset dev -j 2

asan: bootstrap ## all tests under the address and undefined-behaviour sanitizers
	cmake --preset asan >/dev/null
	cmake --build --preset asan
	ctest --preset asan -j 2

format: bootstrap ## format the sources in place
	git ls-files '*.cpp' '*.hpp' | xargs clang-format -i

clean: ## remove what was built
	rm -rf build
