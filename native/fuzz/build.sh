# Builds the fuzz targets and writes their seeds; to be sourced. Ends the script if there is no libFuzzer.
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
if ! { install_libfuzzer && has_cmake; }; then
  echo "fuzz: skipped, for there is no clang with libFuzzer, or no cmake"
  exit 0
fi
build_preset fuzz -- fuzz_container fuzz_splats fuzz_lattice fuzz_views
"$python" "$root/native/fuzz/make_corpus.py" "$root/build/fuzz/seeds"
# Reports name lines, and what was freed makes room soon.
export ASAN_OPTIONS=allow_addr2line=1:quarantine_size_mb=32 UBSAN_OPTIONS=print_stacktrace=1
