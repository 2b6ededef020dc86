# The tasks of floe's developers. Each target first prints which packages are missing, and installs them with apt-get, as
# root (tools/setup.sh). With PACKAGES=no, nothing is installed.
#
#     make run        gathers from a real coturn behind a real NAT, in network namespaces
#     make build      builds the library, the command and the tests (PRESET=gcc; CMakePresets.json has others)
#     make check      builds everything and runs every test
#     make bench      measures floe, the floor (the minimum for the same work) and other libraries
#     make fuzz       runs the fuzz targets (FUZZ_SECONDS=60 for each)
#     make lab        starts the lab, leaves it running, and prints how to enter it
#     make simulate   runs the simulator (SEEDS=100000 worlds, beginning with seed FIRST=1)
#     make coverage   measures which lines and branches the tests run (build/coverage/html)
#     make analyse    runs clang-tidy, cppcheck and gcc's analyser
#     make check-long runs the tests that take too long for CI (hours)
#     make docs       builds the reference (build/docs/html) and the man pages
#     make deb        builds Debian packages (build/deb)
#     make bindings   builds and tests the Python package, and the programs in docs/bindings.md
#     make format     formats the sources
#     make lint       checks the format
#     make layers     checks that dependencies between folders only point down
#     make install    builds and installs below CMAKE_INSTALL_PREFIX (/usr/local)
#     make clean      removes build/

PRESET ?= gcc
BUILD := build/$(PRESET)
FUZZ_SECONDS ?= 60
export FLOE_PACKAGES := $(PACKAGES)
SEEDS ?= 100000

.PHONY: bindings coverage analyse check-long docs deb help run check build bench fuzz lab simulate format lint layers install clean

help:
	@sed -n 's/^#     //p' Makefile

build:
	@tools/setup.sh build
	@cmake --preset $(PRESET) --log-level=WARNING >/dev/null
	@cmake --build $(BUILD)

run:
	@tools/setup.sh build lab
	@cmake --preset $(PRESET) --log-level=WARNING >/dev/null
	@cmake --build $(BUILD) --target floe_command floe_lab-wire
	@tools/run-demo $(BUILD)

check: build
	@tools/setup.sh lab
	@tools/check $(BUILD)

bench:
	@tools/setup.sh build lab bench
	@cmake --preset release --log-level=WARNING >/dev/null && cmake --build build/release
	@bench/run

fuzz:
	@tools/setup.sh build fuzz
	@cmake --preset fuzz --log-level=WARNING >/dev/null && cmake --build build/fuzz
	@fuzz/run $(FUZZ_SECONDS)

lab: build
	@tools/setup.sh lab
	@LAB_WIRE=$(CURDIR)/$(BUILD)/tests/lab-wire tools/lab up

simulate: build
	@bash -c 'time $(BUILD)/tests/simulate $${FIRST:-1} $(SEEDS) $$(nproc)'

coverage:
	@tools/coverage

analyse:
	@tools/analyse

check-long: build
	@tools/setup.sh lab packaging
	@tools/check-long $(BUILD)

docs: build
	@tools/setup.sh docs
	@tools/documents $(BUILD)
	@echo "build/docs/html/index.html; man pages: $(BUILD)/floe.1, $(BUILD)/man3"

deb:
	@tools/setup.sh build deb
	@tools/deb

bindings: build
	@tools/setup.sh bindings
	@ctest --test-dir $(BUILD) -L bindings --output-on-failure

format:
	@tools/setup.sh lint
	@tools/sources | xargs clang-format -i

lint:
	@tools/setup.sh lint
	@tools/sources | xargs clang-format --dry-run --Werror

layers: build
	@tools/check-layers $(BUILD)

install: build
	@cmake --install $(BUILD)
	@[ "$$(id -u)" != 0 ] || ldconfig # so that programs find the library where it is new

clean:
	@rm -rf build
