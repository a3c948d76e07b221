#!/usr/bin/env bash
# Tests with sanitizers: those of Python that reach most of the C++ code with the sanitizers of addresses and undefined
# behaviour, then programs over the C face with that of data races. Needs pytest and the package's dependencies.
set -euo pipefail
source "$(dirname "$0")/tools.sh"
mkdir -p "$root/build"
export CC=gcc CXX=g++
if ! { links g++ address,undefined && links g++ thread && has_cmake; }; then
  echo "sanitizers: skipped, for there is no g++ with them, or no cmake"
  exit 0
fi
TESTS=(container corruption golden streams splat_stream lattice_stream engines lattice render renderer wavelet quantise
  metrics planes budget)

"$python" -m nanobind --cmake_dir > /dev/null 2>&1 || "$python" -m pip install --quiet 'nanobind>=2.2'
build_preset asan -Dnanobind_DIR="$("$python" -m nanobind --cmake_dir)" -DPython_EXECUTABLE="$python" -- _native
package=$root/build/asan/package
rm -rf "$package"
mkdir -p "$package"
cp -r "$root/src/smartsplat" "$package/"
rm -f "$package"/smartsplat/_native*.so
cp "$root"/build/asan/native/python/_native*.so "$package/smartsplat/"

# Half of the tests at a time. Python itself is not compiled with the sanitizers, which must be loaded before it, and
# leaves memory to the system when it ends.
half=$(((${#TESTS[@]} + 1) / 2))
run_tests() {
  (cd "$root" && PYTHONPATH=$package LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libstdc++.so)" \
    ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
    "$python" -m pytest -q -p no:cacheprovider "${@/#/tests/test_}")
}
