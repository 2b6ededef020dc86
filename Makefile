# floe: what one can do here. Each target says which packages are missing, and installs them first, by apt-get as root
# (tools/setup.sh); with PACKAGES=no none does.
#
#     make run      gathers from a real coturn behind a real NAT, in network namespaces
#     make check    builds and runs every test
#     make bench    measures, beside the floor and the peers
#     make fuzz     runs the fuzz targets (FUZZ_SECONDS=60 each)
#     make lab      leaves the lab up and says how to enter it
#     make simulate runs the simulation (SEEDS=100000, from FIRST=1 on)
#     make coverage lines and branches that the tests run (build/coverage/html)
#     make analyse  clang-tidy, cppcheck and gcc's analyser
#     make check-long what CI has no time for: hours
#     make docs     the reference (build/docs/html) and the man pages
#     make deb      Debian packages (build/deb)
#     make bindings the Python package's wheel, and the programs of docs/bindings.md, tried
#     make format   formats the sources; make lint checks them

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
