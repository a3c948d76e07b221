#!/usr/bin/env bash
# Tests with sanitizers: those of Python that reach most of the C++ code, and the programs over the C face, with the
# sanitizers of addresses and of undefined behaviour; then the programs with that of data races. Needs pytest and what
# the package needs.
set -euo pipefail
source "$(dirname "$0")/tools.sh"
export CC=gcc CXX=g++
if ! { links g++ address,undefined && links g++ thread && has_cmake; }; then
  echo "sanitizers: skipped, for there is no g++ with them, or no cmake"
  exit 0
fi
TESTS=(budget container corruption engines golden lattice lattice_stream metrics planes quantise render renderer
  splat_stream wavelet)
export UBSAN_OPTIONS=print_stacktrace=1

# The package with a module of its own.
"$python" -m nanobind --cmake_dir > /dev/null 2>&1 || "$python" -m pip install --quiet 'nanobind>=2.2'
build_preset asan -Dnanobind_DIR="$("$python" -m nanobind --cmake_dir)" -DPython_EXECUTABLE="$python" -- \
  _native decode_golden
package=$root/build/asan/package
rm -rf "$package"
mkdir -p "$package"
cp -r "$root/src/smartsplat" "$package/"
rm -f "$package"/smartsplat/_native*.so
cp "$root"/build/asan/native/python/_native*.so "$package/smartsplat/"

# Python itself is not built with the sanitizers, which must be loaded before it, and leaves its memory to the system.
# Left out: a test whose code is met elsewhere, for its length, and one that is about time.
run_tests() {
  PYTHONPATH=$package ASAN_OPTIONS=detect_leaks=0 \
    LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libstdc++.so)" \
    "$python" -m pytest -q -p no:cacheprovider \
    --deselect tests/test_renderer.py::test_the_index_leaves_nothing_out \
    --deselect tests/test_lattice_stream.py::test_a_stream_that_ends_long_before_its_coefficients_is_refused_soon \
    "${@/#/tests/test_}"
}
judge() { "$python" -c "from tests.golden.program import judge; print(judge('$root/build/$1/native/capi/decode_golden'))"; }

cd "$root"
half=$(((${#TESTS[@]} + 1) / 2))
suffixed=("${TESTS[@]/%/.py}")
run_tests "${suffixed[@]:0:half}" > build/asan/first.log 2>&1 &
first=$!
run_tests "${suffixed[@]:half}" || { kill "$first" 2> /dev/null || true; exit 1; }
wait "$first" || { cat build/asan/first.log; exit 1; }
tail -n 1 build/asan/first.log
judged=$(judge asan)  # not within echo, which would hide a failure
echo "addresses, undefined behaviour: $judged"

# One instruction set: threads share the same work whatever it is.
build_preset tsan -DSMARTSPLAT_KERNELS=baseline -- decode_golden render_threads
raced=$(build/tsan/native/capi/render_threads tests/golden/*.ssplat)
judged=$(judge tsan)
echo "data races: $raced; $judged"
