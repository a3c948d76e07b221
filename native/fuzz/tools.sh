# What the scripts of this folder share; to be sourced. Sets `root` and `python`.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=$(command -v python3 || command -v python)
jobs=$(nproc)
mkdir -p "$root/build"

# Of Debian, if that is possible here.
install_packages() {
  [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || return 0
  { apt-get update --quiet && DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --quiet --no-install-recommends "$@"; } > /dev/null 2>&1 || true
}

# Whether a compiler links a program with sanitizers, as -fsanitize= takes them.
links() {
  local compiler=$1 sanitizers=$2 source='int main() {}'
  [ "$sanitizers" != "${sanitizers#fuzzer}" ] &&
    source='extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }'
  echo "$source" | "$compiler" -x c++ "-fsanitize=$sanitizers" - -o /dev/null > /dev/null 2>&1
}

has_libfuzzer() { links clang++ fuzzer,address,undefined; }

# Its runtime is a package that has its version in the name.
install_libfuzzer() {
  has_libfuzzer && return
  command -v clang > /dev/null || install_packages clang
  has_libfuzzer || install_packages "libclang-rt-$(clang -dumpversion 2> /dev/null | cut -d. -f1)-dev"
  has_libfuzzer
}

has_cmake() { command -v cmake > /dev/null || "$python" -m pip install --quiet cmake ninja; }

# build_preset NAME [OPTIONS OF CMAKE] -- TARGETS
build_preset() {
  local name=$1 options=()
  shift
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  command -v ninja > /dev/null && options+=(-GNinja)
  (cd "$root" && cmake --preset "$name" "${options[@]}" && cmake --build "build/$name" --parallel "$jobs" --target "$@") \
    > "$root/build/$name.log" 2>&1 || { cat "$root/build/$name.log"; return 1; }
}
