"""What is released: the sdist has all that a wheel is built of, and the wheels' settings are those of the project."""

import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

import smartsplat

ROOT = Path(__file__).parent.parent

BUILD = "import sys; from scikit_build_core.build import build_sdist; print(build_sdist(sys.argv[1]))"


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """Names in it, without its first folder."""
    pytest.importorskip("scikit_build_core", reason="there is no scikit-build-core")
    folder = tmp_path_factory.mktemp("sdist")
    subprocess.run([sys.executable, "-c", BUILD, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.tar.gz")
    assert path.name == f"smartsplat-{smartsplat.__version__}.tar.gz"
    with tarfile.open(path) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [("native", "**/*.cpp"), ("native", "**/*.h"), ("native", "**/*.inc"), ("native", "**/CMakeLists.txt"),
     ("src", "**/*.py"), ("src", "**/*.md"), ("web", "*.js"), ("tests", "**/*.py"), ("tests/golden", "*.ssplat")],
)  # fmt: skip
def test_the_sdist_has_the_sources(sdist, folder, pattern):
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).glob(pattern)}
    assert len(there) > 0
    assert there <= sdist


def test_the_sdist_has_what_the_build_reads_and_nothing_built(sdist):
    assert {"pyproject.toml", "CMakeLists.txt", "LICENSE", "README.md"} <= sdist
    if (ROOT / "web" / "smartsplat.wasm").exists():
        assert "web/smartsplat.wasm" in sdist
    assert not [name for name in sdist if name.endswith((".so", ".pyc", ".o")) or name.startswith("build/")]


def test_wheels_are_built_for_every_version_that_the_package_supports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    built = {name.removesuffix("-*") for name in project["tool"]["cibuildwheel"]["build"]}
    least = int(project["project"]["requires-python"].removeprefix(">=3."))
    assert built == {f"cp3{minor}" for minor in range(least, least + len(built))}
    assert set(project["tool"]["cibuildwheel"]["linux"]["archs"]) == {"x86_64", "aarch64"}
