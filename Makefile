# Builds, installs and packages Provost; the work is CMake's (CMakePresets.json, cmake/ProvostInstall.cmake).
#
#   make                                 the release build
#   make install PREFIX=/usr DESTDIR=    below PREFIX (default /usr/local)
#   make uninstall                       what the last install put there; state stays
#   make deb                             build/provost_VERSION_ARCHITECTURE.deb
#   make test                            ./run-tests
PREFIX ?= /usr/local
DESTDIR ?=
BUILD := build/release

all:
	cmake --preset release
	cmake --build $(BUILD)

install: all
	DESTDIR="$(DESTDIR)" cmake --install $(BUILD) --prefix "$(PREFIX)" --strip

uninstall:
	packaging/uninstall "$(BUILD)/install_manifest.txt" "$(DESTDIR)"

deb: all
	packaging/make-deb --build $(BUILD) --output build

test:
	./run-tests

clean:
	rm -rf $(BUILD)

.PHONY: all install uninstall deb test clean
