"""The decoder for browsers under node: golden files, its size, and the package as npm packs it."""

import gzip
import json
import shutil
import subprocess
import sys
import zipfile

import pytest

import smartsplat
from tests.browser import DECODER, WEB, needs_decoder
from tests.golden.files import FOLDER, golden_files
from tests.golden.program import NODE_PROGRAM, judge
from tests.oracles.file import File, Part

GREATEST, GREATEST_PACKED = 200_000, 70_000


@pytest.fixture(autouse=True)
def decoder():
    needs_decoder()


@pytest.fixture
def node():
    found = shutil.which("node")
    if found is None:
        pytest.skip("there is no node")
    return found


def test_golden_files(node):
    judge(node, str(NODE_PROGRAM))


def test_it_is_small():
    data = DECODER.read_bytes()
    assert len(data) <= GREATEST
    assert len(gzip.compress(data, 9)) <= GREATEST_PACKED


def test_a_wheel_has_what_view_and_html_show(tmp_path):
    """Without the compiled core, which would take minutes."""
    pytest.importorskip("scikit_build_core", reason="there is no scikit-build-core")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*pip, "-C", "wheel.cmake=false", "-w", str(tmp_path), str(WEB.parent)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    names = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    wanted = {f"smartsplat/web/{path.name}" for path in WEB.iterdir() if path.suffix in (".js", ".css", ".wasm")}
    assert wanted <= names
    assert len(wanted) > 10


def test_versions_are_the_same():
    assert json.loads((WEB / "package.json").read_text())["version"] == smartsplat.__version__


USE = """
import { readFileSync } from "node:fs";
import { BytesReader, Decoder } from "smartsplat/decoder.js";
const wasm = readFileSync(new URL(import.meta.resolve("smartsplat/smartsplat.wasm")));
const file = new Uint8Array(readFileSync(process.argv[2])).buffer;
const decoder = new Decoder(new WebAssembly.Module(wasm), new BytesReader(file), { memory: 64 << 20 });
console.log(JSON.stringify(decoder.info));
"""


def test_the_package_installs_from_its_tarball(node, tmp_path):
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm")
    pack = [npm, "pack", "--offline", "--json", "--pack-destination", str(tmp_path), str(WEB)]
    (packed,) = json.loads(subprocess.run(pack, check=True, capture_output=True, text=True).stdout)
    names = {file["path"] for file in packed["files"]}
    assert {"package.json", "index.js", "index.d.ts", "worker.js", "smartsplat.wasm", "README.md"} <= names
    install = [npm, "install", "--offline", "--no-audit", "--no-fund", str(tmp_path / packed["filename"])]
    subprocess.run(install, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "use.mjs").write_text(USE)
    file = golden_files()[0]
    command = [node, "use.mjs", str(FOLDER / f"{file.name}.ssplat")]
    info = json.loads(subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout)
    assert (info["width"], info["height"], info["channels"]) == (file.width, file.height, file.channels)
    assert info["bytes"] == len(file.data)


DECODE = """
import { readFileSync } from "node:fs";
const [web, path] = process.argv.slice(2);
const { BytesReader, Decoder } = await import(`${web}/decoder.js`);
const module = new WebAssembly.Module(readFileSync(`${web}/smartsplat.wasm`));
const decoder = new Decoder(module, new BytesReader(new Uint8Array(readFileSync(path)).buffer), { memory: 1 << 30 });
try {
  decoder.render({ x: 0, y: 0, width: 8, height: 8 }, { scale: 1, maxPixels: 2 ** 40 });
} catch (error) {
  console.log(`${error.name}: ${error.message}`);
}
"""


def test_a_lattice_beyond_addresses_of_32_bits_is_refused(node, tmp_path):
    """12 bytes for each of 400 million nodes."""
    file = File(20_000, 20_000, 11, Part(128, []), Part(5120, []))
    for part, squares, _ in file.tiers():
        part.chunks += [b""] * len(squares)
    file.lattice.chunks[0] = bytes(10_000_000)  # so many that the lattice is not too large for them
    (tmp_path / "a.ssplat").write_bytes(file.to_bytes())
    (tmp_path / "decode.mjs").write_text(DECODE)
    command = [node, "decode.mjs", str(WEB), str(tmp_path / "a.ssplat")]
    said = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert said.startswith("LimitError: "), said


def test_exports_are_there():
    exports = json.loads((WEB / "package.json").read_text())["exports"]
    targets = [t for value in exports.values() for t in (value.values() if isinstance(value, dict) else [value])]
    assert all((WEB / target).is_file() for target in targets)
