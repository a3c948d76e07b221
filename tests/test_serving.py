"""The server: addresses of IIIF and DeepZoom, what they show, headers, limits, and what cannot be reached."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import smartsplat
from tests.commands import assert_fails
from tests.photos import photo

pytest.importorskip("starlette", reason="needs the extra serve")
pytest.importorskip("httpx", reason="the test client of starlette needs it")

from starlette.testclient import TestClient

from smartsplat.serving import deepzoom, iiif
from smartsplat.serving.app import Limits, make_app
from smartsplat.serving.catalogue import Opened
from smartsplat.serving.pictures import make_picture
from smartsplat.serving.requests import RequestError, Wanted

WIDTH, HEIGHT = 300, 200
NAMES = {"plain": "plain", "in/a folder": "in%2Fa%20folder", "ünï & <b>": "%C3%BCn%C3%AF%20%26%20%3Cb%3E"}


@pytest.fixture(scope="module")
def pixels():
    return photo(WIDTH, HEIGHT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, pixels):
    folder = tmp_path_factory.mktemp("served")
    file = smartsplat.encode(pixels, effort=1, cr=20)
    (folder / "in").mkdir()
    for name in NAMES:
        file.save(folder / f"{name}.ssplat")
    smartsplat.encode(pixels[:, :, 0], effort=1, cr=20).save(folder / "grey.ssplat")
    (folder / "broken.ssplat").write_bytes(b"nothing")
    (folder / "secret.txt").write_text("secret")
    (folder.parent / "outside.ssplat").write_bytes(file.to_bytes())
    return folder


@pytest.fixture(scope="module")
def client(folder):
    with TestClient(make_app(folder), follow_redirects=False, raise_server_exceptions=True) as client:
        yield client


@pytest.fixture(scope="module")
def picture(folder):
    return smartsplat.open(folder / "plain.ssplat")


def shown(response):
    assert response.status_code == 200, response.text
    return np.asarray(Image.open(io.BytesIO(response.content)))


# Pictures


@pytest.mark.parametrize("in_memory", [True, False], ids=["a file of the system's memory", "without such files"])
def test_pictures_one_after_another_do_not_mix(folder, picture, monkeypatch, in_memory):
    """A thread draws into memory that it used before: for a smaller one, a grey one, one larger than it keeps."""
    if not in_memory:
        monkeypatch.delattr("os.memfd_create", raising=False)
    grey = smartsplat.open(folder / "grey.ssplat")
    for file, size in [(picture, (200, 100)), (picture, (40, 50)), (grey, (90, 30)), (picture, (2000, 1500)),
                       (picture, (200, 100))]:  # fmt: skip
        opened = Opened(WIDTH, HEIGHT, smartsplat.Renderer(file))
        data = make_picture(opened, Wanted((0, 0, WIDTH, HEIGHT), size, 0, False, "color", "png"))
        found = np.asarray(Image.open(io.BytesIO(data)))
        np.testing.assert_array_equal(found, file.render(region=(0, 0, WIDTH, HEIGHT), size=size))


# Addresses of IIIF

REGIONS = {
    "full": (0, 0, 300, 200), "square": (50, 0, 200, 200), "10,20,30,40": (10, 20, 30, 40),
    "280,190,100,100": (280, 190, 20, 10), "pct:10,10,50,50": (30, 20, 150, 100), "pct:0,0,100,100": (0, 0, 300, 200),
    "pct:33.3,0,0.5,50": (100, 0, 2, 100),
}  # fmt: skip


@pytest.mark.parametrize("text", REGIONS)
def test_regions_are_read(text):
    assert iiif.parse_region(text, 300, 200) == REGIONS[text]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Full",
        "1,2,3",
        "1,2,3,4,5",
        "-1,0,5,5",
        "300,0,5,5",
        "0,200,5,5",
        "0,0,0,5",
        "0,0,5,0",
        "1.5,0,5,5",
        "pct:",
        "pct:1,2,3",
        "pct:0,0,0,0",
        "pct:101,0,5,5",
        "a,b,c,d",
        "1,2,3,4\n",
        "１,2,3,4",
        "1" * 13 + ",0,1,1",
    ],
)
def test_other_regions_are_refused(text):
    with pytest.raises(RequestError) as caught:
        iiif.parse_region(text, 300, 200)
    assert caught.value.status == 400


SIZES = {
    "max": (200, 100), "^max": (447, 223), "100,": (100, 50), ",25": (50, 25), "pct:50": (100, 50), "120,30": (120, 30),
    "!50,50": (50, 25), "!1000,10": (20, 10), "^400,": (400, 200), "^,150": (300, 150), "^pct:150": (300, 150),
    "^300,10": (300, 10), "^!400,400": (400, 200), "1,": (1, 1), "pct:0.3": (1, 0),
}  # fmt: skip


@pytest.mark.parametrize("text", SIZES)
def test_sizes_are_read(text):
    if min(SIZES[text]) < 1:
        with pytest.raises(RequestError):
            iiif.parse_size(text, 200, 100, 100_000)
    else:
        assert iiif.parse_size(text, 200, 100, 100_000) == SIZES[text]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "full",
        "0,",
        ",0",
        "0,0",
        "!0,5",
        "pct:0",
        "201,",
        ",101",
        "pct:101",
        "201,50",
        "50,101",
        "!201,101",
        "^",
        "^^10,",
        "!10,",
        "10",
        "-5,",
        "1e3,",
        "^10000,10000",
        "^pct:100000",
    ],
)
def test_other_sizes_are_refused(text):
    with pytest.raises(RequestError) as caught:
        iiif.parse_size(text, 200, 100, 100_000)
    assert caught.value.status == 400


def test_max_fits_the_limit():
    across, down = iiif.parse_size("max", 16000, 9000, 1_000_000)
    assert 990_000 < across * down <= 1_000_000 and across / down == pytest.approx(16 / 9, rel=0.01)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0", (False, 0)),
        ("90", (False, 90)),
        ("180.0", (False, 180)),
        ("270", (False, 270)),
        ("360", (False, 0)),
        ("!0", (True, 0)),
        ("!180", (True, 180)),
        ("45", 501),
        ("22.5", 501),
        ("-90", 400),
        ("361", 400),
        ("", 400),
        ("!", 400),
        ("a", 400),
        ("!!0", 400),
    ],
)
def test_rotations_are_read(text, found):
    if isinstance(found, tuple):
        assert iiif.parse_rotation(text) == found
        return
    with pytest.raises(RequestError) as caught:
        iiif.parse_rotation(text)
    assert caught.value.status == found


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted((0, 0, 300, 200), (300, 200)),
        Wanted((10, 20, 30, 40), (15, 20), 90, True, "gray", "png"),
        Wanted((0, 0, 300, 200), (600, 400), format="webp"),
    ],
)
def test_the_canonical_address_asks_for_the_same(wanted):
    address = iiif.canonical("here", wanted, 300, 200).split("/")[1:]
    assert iiif.parse(address, 300, 200, 10**6) == wanted


# What is shown


def test_a_picture_is_described(client):
    response = client.get("/iiif/plain/info.json")
    info = json.loads(response.content)
    assert response.headers["content-type"].startswith("application/json")
    assert (info["width"], info["height"], info["profile"], info["type"]) == (WIDTH, HEIGHT, "level2", "ImageService3")
    assert info["id"] == "http://testserver/iiif/plain"
    linked = client.get("/iiif/plain/info.json", headers={"Accept": "application/ld+json"})
    assert linked.headers["content-type"].startswith("application/ld+json") and linked.json() == info
    assert client.get("/iiif/plain").headers["location"] == info["id"] + "/info.json"


def test_regions_at_their_own_size_are_those_of_the_picture(client, picture):
    whole = picture.render()
    assert np.array_equal(shown(client.get("/iiif/plain/full/max/0/default.png")), whole)
    part = shown(client.get("/iiif/plain/33,44,55,66/max/0/color.png"))
    assert np.abs(part.astype(int) - whole[44:110, 33:88]).max() <= 1


def test_pictures_are_turned_and_mirrored(client):
    plain = shown(client.get("/iiif/plain/0,0,60,40/max/0/default.png"))
    for address, expected in {
        "90": np.rot90(plain, -1), "180": np.rot90(plain, 2), "270": np.rot90(plain), "!0": plain[:, ::-1],
        "!90": np.rot90(plain[:, ::-1], -1),
    }.items():  # fmt: skip
        assert np.array_equal(shown(client.get(f"/iiif/plain/0,0,60,40/max/{address}/default.png")), expected)


def test_sizes_and_qualities(client, picture):
    half = shown(client.get("/iiif/plain/full/150,/0/default.png"))
    assert np.array_equal(half, picture.render(scale=0.5))
    assert shown(client.get("/iiif/plain/full/150,50/0/default.webp")).shape == (50, 150, 3)
    grey = shown(client.get("/iiif/plain/full/150,/0/gray.png"))
    assert grey.shape == (100, 150) and np.abs(grey - half @ [0.299, 0.587, 0.114]).max() < 1
    assert set(np.unique(shown(client.get("/iiif/plain/full/150,/0/bitonal.png")))) == {0, 255}
    jpeg = shown(client.get("/iiif/plain/full/150,/0/default.jpg")).astype(float)
    assert np.sqrt(np.mean((jpeg - half) ** 2)) < 8
    assert shown(client.get("/iiif/grey/full/max/0/default.png")).shape == (HEIGHT, WIDTH)


def test_tiles_of_deepzoom_are_the_picture(client, picture, monkeypatch):
    monkeypatch.setattr(deepzoom, "TILE", 128)
    assert b'Width="300" Height="200"' in client.get("/dzi/plain.dzi").content
    assert deepzoom.levels(WIDTH, HEIGHT) == 9
    rows = [[shown(client.get(f"/dzi/plain_files/9/{x}_{y}.png")) for x in range(3)] for y in range(2)]
    whole = np.concatenate([np.concatenate(row, axis=1) for row in rows])
    assert np.abs(whole.astype(int) - picture.render()).max() <= 1
    assert shown(client.get("/dzi/plain_files/0/0_0.jpg")).shape == (1, 1, 3)
    for level in range(10):
        sides = [-(-side >> (9 - level)) for side in (HEIGHT, WIDTH)]
        assert shown(client.get(f"/dzi/plain_files/{level}/0_0.png")).shape[:2] == tuple(min(s, 128) for s in sides)


@pytest.mark.parametrize(
    "tile", ["10/0_0.jpg", "9/1_0.jpg", "9/0_1.jpg", "9/0_0.gif", "x/0_0.jpg", "9/0.jpg", "9/-1_0.jpg"]
)
def test_tiles_that_there_are_not(client, tile):
    assert client.get(f"/dzi/plain_files/{tile}").status_code in (400, 404)


# Names, files, and what is not there


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_served(client, folder, name):
    identity = NAMES[name]
    assert client.get(f"/iiif/{identity}/info.json").json()["id"].endswith(f"/iiif/{identity}")
    shown(client.get(f"/iiif/{identity}/full/max/0/default.jpg"))
    path = identity.replace("%2F", "/")
    assert client.get(f"/files/{path}.ssplat").content == (folder / f"{name}.ssplat").read_bytes()
    assert client.get(f"/dzi/{path}.dzi").status_code == 200
    page = client.get("/").text
    assert identity in page and "<b>" not in page


@pytest.mark.parametrize(
    "path",
    [
        "/files/../outside.ssplat",
        "/files/%2e%2e/outside.ssplat",
        "/files/..%2foutside.ssplat",
        "/files/secret.txt",
        "/files/",
        "/files/plain",
        "/iiif/..%2Foutside/info.json",
        "/iiif/missing/info.json",
        "/iiif/in/a%20folder/info.json",
        "/iiif/",
        "/dzi/../outside.dzi",
        "/dzi/plain",
        "/other",
        "/iiif/%00/info.json",
    ],
)
def test_what_is_not_there_is_a_sentence(client, path):
    response = client.get(path)
    assert response.status_code == 404 and len(response.text.splitlines()) == 1
    assert "secret" not in response.text.replace(path, "")


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        ("full/max/0/default.gif", 400),
        ("full/max/0/nice.jpg", 400),
        ("full/max/45/default.jpg", 501),
        ("full/max/0", 404),
        ("full/max/0/default.jpg/more", 404),
        ("0,0,9/max/0/default.jpg", 400),
        ("full/301,/0/default.jpg", 400),
    ],
)
def test_wrong_requests_are_a_sentence(client, rest, status):
    response = client.get(f"/iiif/plain/{rest}")
    assert response.status_code == status and len(response.text.splitlines()) == 1


def test_a_broken_file_is_a_sentence(client):
    response = client.get("/iiif/broken/info.json")
    assert response.status_code == 500 and len(response.text.splitlines()) == 1


def test_ranges_of_a_file(client, folder):
    data = (folder / "plain.ssplat").read_bytes()
    response = client.get("/files/plain.ssplat", headers={"Range": "bytes=10-29"})
    assert response.status_code == 206 and response.content == data[10:30]
    assert response.headers["content-range"] == f"bytes 10-29/{len(data)}"
    assert client.get("/files/plain.ssplat", headers={"Range": f"bytes={len(data)}-"}).status_code == 416


@pytest.mark.parametrize(
    "path",
    ["/files/plain.ssplat", "/iiif/plain/info.json", "/iiif/plain/full/9,/0/default.jpg", "/dzi/plain_files/0/0_0.jpg"],
)
def test_what_is_known_already_is_not_sent(client, path):
    first = client.get(path)
    tag = first.headers["etag"]
    assert "max-age" in first.headers["cache-control"] and first.headers["access-control-allow-origin"] == "*"
    again = client.get(path, headers={"If-None-Match": f'W/"x", {tag}'})
    assert again.status_code == 304 and again.content == b""
    assert client.head(path).headers["etag"] == tag
    assert client.options(path).headers["access-control-allow-origin"] == "*"


def test_a_file_that_changes_is_served_anew(tmp_path, pixels, monkeypatch):
    from smartsplat.serving import catalogue

    monkeypatch.setattr(catalogue, "FRESH", -1.0)
    with TestClient(make_app(tmp_path)) as client:
        assert "no .ssplat files" in client.get("/").text
        smartsplat.encode(np.zeros((10, 20, 3), np.uint8)).save(tmp_path / "a.ssplat")
        assert client.get("/iiif/a/info.json").json()["width"] == 20
        smartsplat.encode(np.zeros((10, 33, 3), np.uint8)).save(tmp_path / "a.ssplat", overwrite=True)
        assert client.get("/iiif/a/info.json").json()["width"] == 33
        (tmp_path / "a.ssplat").unlink()
        assert client.get("/iiif/a/info.json").status_code == 404


def test_limits(folder):
    with TestClient(make_app(folder, Limits(pixels=5000))) as client:
        assert client.get("/iiif/plain/full/100,/0/default.jpg").status_code == 400
        largest = shown(client.get("/iiif/plain/full/max/0/default.jpg"))
        assert 4500 < largest.shape[0] * largest.shape[1] <= 5000
    with TestClient(make_app(folder, Limits(waiting=0))) as client:
        response = client.get("/iiif/plain/info.json")
        assert response.status_code == 503 and len(response.text.splitlines()) == 1


@pytest.mark.parametrize("processes", [1, 2])
def test_a_port_in_use_is_one_line(tmp_path, run, processes):
    pytest.importorskip("uvicorn", reason="there is no uvicorn")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_fails(run("serve", tmp_path, "--port", port, "--processes", processes), port)
    assert_fails(run("serve", tmp_path, "--host", "192.0.2.1", "--processes", processes), "192.0.2.1")


# Several processes


linux_processes = pytest.mark.skipif(sys.platform != "linux", reason="the server's processes are found in /proc")


@contextmanager
def served(folder, first=""):
    """A server of two processes after a statement; gives its address, and the process that started them."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    arguments = ["serve", str(folder), "--port", str(port), "--processes", "2"]
    script = f"from smartsplat.serving import processes\n{first}\nfrom smartsplat.cli import main\nmain({arguments})"
    command = [sys.executable, "-c", f"if __name__ == '__main__':\n    exec({script!r})"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        try:
            yield f"http://127.0.0.1:{port}", server
        finally:
            server.terminate()


def test_processes_share_the_requests(tmp_path):
    pytest.importorskip("uvicorn", reason="there is no uvicorn")
    smartsplat.encode(photo(64, 48), effort=1).save(tmp_path / "a.ssplat")
    with served(tmp_path) as (site, server):
        wait_until(lambda: listening_at(int(site.rpartition(":")[2])) == (2 if sys.platform == "linux" else 1))
        address = f"{site}/iiif/a/0,0,32,32/32,/0/default.png"
        found = [np.asarray(Image.open(io.BytesIO(fetch_when_ready(address, server)))) for _ in range(5)]
        server.terminate()
        _, log = server.communicate(timeout=30)
    assert log.count("Started server process") == 2
    assert log.count(site) == 2
    assert log.splitlines()[-1] == "smartsplat: terminated" and server.returncode == 143
    expected = smartsplat.decode(tmp_path / "a.ssplat")[:32, :32]
    for pixels in found:
        np.testing.assert_array_equal(pixels, expected)


@linux_processes
def test_connections_spread_over_the_processes(tmp_path):
    pytest.importorskip("uvicorn", reason="there is no uvicorn")
    with served(tmp_path) as (site, server), ExitStack() as stack:
        port = int(site.rpartition(":")[2])
        wait_until(lambda: listening_at(port) == 2)
        before = [sockets_of(pid) for pid in workers_of(server)]
        for _ in range(64):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        wait_until(lambda: sum(map(sockets_of, workers_of(server))) >= sum(before) + 64)
        taken = [sockets_of(pid) - ready for pid, ready in zip(workers_of(server), before, strict=True)]
    assert min(taken) >= 12  # of 64 by lot: fewer than 12 once in ten million


@linux_processes
def test_a_process_that_ends_is_replaced(tmp_path):
    pytest.importorskip("uvicorn", reason="there is no uvicorn")
    with served(tmp_path, "processes.SHORT = 0") as (site, server):
        wait_until(lambda: len(workers_of(server)) == 2)
        ended, stays = workers_of(server)
        os.kill(ended, signal.SIGKILL)
        wait_until(lambda: ended not in workers_of(server) and len(workers_of(server)) == 2)
        assert stays in workers_of(server)
        assert fetch_when_ready(site, server)


@linux_processes
def test_processes_that_do_not_last_are_one_line(tmp_path):
    pytest.importorskip("uvicorn", reason="there is no uvicorn")
    with served(tmp_path) as (_, server):
        wait_until(lambda: len(workers_of(server)) == 2)
        os.kill(workers_of(server)[0], signal.SIGKILL)
        _, log = server.communicate(timeout=30)
    assert server.returncode == 1 and log.splitlines()[-1].startswith("smartsplat: ")


@linux_processes
def test_processes_end_with_the_one_that_started_them(tmp_path):
    pytest.importorskip("uvicorn", reason="there is no uvicorn")
    with served(tmp_path) as (site, server):
        fetch_when_ready(site, server)
        wait_until(lambda: len(workers_of(server)) == 2)
        workers = workers_of(server)
        server.kill()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def workers_of(server):
    """The processes that a server has started to serve; Python's tracker of resources is one more child."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def listening_at(port):
    """The sockets that listen at a port, by any address of IPv4; on Linux only."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


def sockets_of(pid):
    return sum("socket:" in str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink())


def wait_until(condition):
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it has not come")


def fetch_when_ready(address, server):
    """What is at an address of a server that may only just have been started."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return answer.read()
        except urllib.error.URLError:
            assert server.poll() is None, "the server has ended"
            time.sleep(0.1)
    raise AssertionError("the server does not answer")
