"""The C face: its header compiles wherever it may, and a C program decodes the golden files through it."""

import os
import shutil
import subprocess

import pytest

from tests.golden.files import check, golden_files
from tests.golden.program import ROOT, build, judge

HEADER = ROOT / "native" / "capi" / "smartsplat.h"
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")


def compiler(variable, name):
    found = shutil.which(os.environ.get(variable) or name)
    if found is None:
        pytest.skip(f"there is no {name}")
    return found


def compiles(command, source, folder):
    result = subprocess.run(
        [*command, *WARNINGS, f"-I{HEADER.parent}", "-fsyntax-only", str(source)],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


USE = """
#include "smartsplat.h"
int main(void) {
  smartsplat_error error;
  smartsplat_file* file = 0;
  return (int)smartsplat_open_memory("", 0, &file, &error) + smartsplat_api_version();
}
"""


@pytest.mark.parametrize("standard", ["c11", "c17"])
def test_the_header_is_c(tmp_path, standard):
    (tmp_path / "use.c").write_text(USE)
    command = compiler("CC", "cc"), f"-std={standard}"
    compiles(command, "use.c", tmp_path)
    compiles((*command, "-xc"), HEADER, tmp_path)


@pytest.mark.parametrize("standard", ["c++11", "c++20"])
def test_the_header_is_cpp(tmp_path, standard):
    (tmp_path / "use.cpp").write_text(USE + 'static_assert(noexcept(smartsplat_close(nullptr)), "");\n')
    compiles((compiler("CXX", "c++"), f"-std={standard}"), "use.cpp", tmp_path)


def test_a_c_program_decodes_the_golden_files(tmp_path):
    """Built without much optimisation, and for any processor, which is done in half the time."""
    for variable, name in (("CC", "cc"), ("CXX", "c++")):
        compiler(variable, name)
    if shutil.which("cmake") is None:
        pytest.skip("there is no cmake")
    quick = "-DCMAKE_BUILD_TYPE=Quick", "-DCMAKE_C_FLAGS=-O1", "-DCMAKE_CXX_FLAGS=-O1", "-DSMARTSPLAT_KERNELS=baseline"
    judge(str(build(tmp_path, *quick)))


# The judge


def lines_of(files):
    return "\n".join(f"{file.name} {file.integers} {file.hash} 0 0" for file in files)


def test_what_is_right_passes():
    files = golden_files()
    assert check(lines_of(files), files).startswith("0 of ")


@pytest.mark.parametrize(
    ("old", "new"),
    [(" 0 0\n", " 0 2\n"), (" 0 0\n", " 9000 1\n"), ("splats 1", "splats 2"), ("splats ", "blobs "), ("\n", " \n\n")],
)
def test_what_is_wrong_does_not(old, new):
    files = golden_files()
    with pytest.raises((ValueError, IndexError)):
        check(lines_of(files).replace(old, new, 1), files)
