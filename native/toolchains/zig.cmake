# Builds for another system with the compilers of the Python package ziglang (they bring every system's C and C++
# libraries):
#
#   python -m pip install ziglang
#   cmake -S . -B build/arm -G Ninja -DCMAKE_TOOLCHAIN_FILE=native/toolchains/zig.cmake \
#     -DSMARTSPLAT_TARGET=aarch64-linux-musl -DZIG_PYTHON=$(command -v python) \
#     -DSMARTSPLAT_PYTHON=OFF -DSMARTSPLAT_CAPI=ON
#
# SMARTSPLAT_TARGET: PROCESSOR-SYSTEM-LIBRARY, as aarch64-linux-musl, x86_64-windows-gnu or aarch64-macos.
# ZIG_PYTHON: the interpreter that has ziglang.
set(SMARTSPLAT_TARGET "" CACHE STRING "Processor and system to build for")
set(ZIG_PYTHON python3 CACHE STRING "A Python interpreter that has ziglang")
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SMARTSPLAT_TARGET ZIG_PYTHON)

if(NOT SMARTSPLAT_TARGET MATCHES "^([a-z0-9_]+)-(linux|windows|macos)")
  message(FATAL_ERROR "SMARTSPLAT_TARGET is '${SMARTSPLAT_TARGET}', not PROCESSOR-SYSTEM-LIBRARY")
endif()
set(CMAKE_SYSTEM_PROCESSOR ${CMAKE_MATCH_1})
if(CMAKE_MATCH_2 STREQUAL "linux")
  set(CMAKE_SYSTEM_NAME Linux)
  set(CMAKE_EXE_LINKER_FLAGS_INIT -static)  # runs under an emulator that has no libraries for it
elseif(CMAKE_MATCH_2 STREQUAL "windows")
  set(CMAKE_SYSTEM_NAME Windows)
else()
  set(CMAKE_SYSTEM_NAME Darwin)
endif()

set(CMAKE_C_COMPILER ${ZIG_PYTHON} -m ziglang cc -target ${SMARTSPLAT_TARGET})
set(CMAKE_CXX_COMPILER ${ZIG_PYTHON} -m ziglang c++ -target ${SMARTSPLAT_TARGET})
# One archiver for all systems, as a command with arguments: CMAKE_AR can only be a program.
foreach(language C CXX)
  set(CMAKE_${language}_ARCHIVE_CREATE "\"${ZIG_PYTHON}\" -m ziglang ar qc <TARGET> <OBJECTS>")
  set(CMAKE_${language}_ARCHIVE_APPEND "\"${ZIG_PYTHON}\" -m ziglang ar q <TARGET> <OBJECTS>")
  set(CMAKE_${language}_ARCHIVE_FINISH "\"${ZIG_PYTHON}\" -m ziglang ranlib <TARGET>")
endforeach()
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
