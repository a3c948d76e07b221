"""`view` and `html`: the local server, pages that need nothing else, and what they show in Chromium."""

import base64
import gzip
import http.client
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

import smartsplat
from smartsplat.cli import main
from smartsplat.metrics import psnr
from smartsplat.viewing.bundle import bundle
from smartsplat.viewing.server import Shown, make_server
from tests.browser import DECODER, chromium, needs_decoder
from tests.chunked import make_file
from tests.golden.files import golden_files

FILES = {file.name: file for file in golden_files()}
FILE = FILES["mixed"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a <b>.ssplat"
    path.write_bytes(FILE.data)
    return path


@pytest.fixture
def original(tmp_path):
    """Of the same size as the file, and all red."""
    path = tmp_path / "original.tif"
    Image.new("RGB", (FILE.width, FILE.height), (255, 0, 0)).save(path)
    return path


# Bundling


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_a_bundle_runs_modules_in_their_order():
    texts = {
        "a.js": 'import { two as pair, f } from "./b.js";\nexport const result = f(pair) + 1;\n',
        "b.js": '// a comment\nimport { one } from "./c.js";\nexport function f(x) {\n  return 10 * x;\n}\n'
        "export const two = one + 1;\n",
        "c.js": "/**\n * A number.\n */\nexport const one = 1;\n",
    }  # fmt: skip
    script = bundle("a.js", texts.__getitem__)
    assert "comment" not in script
    assert "A number" not in script
    node = subprocess.run(
        ["node", "-e", f"{script}\nconsole.log(smartsplat.result)"], capture_output=True, text=True, check=False
    )
    assert node.stdout == "21\n", node.stderr


@pytest.mark.parametrize(
    "text", ['import x from "./b.js";', 'import * as b from "./b.js";', "export default 3;", 'export * from "./b.js";']
)
def test_what_a_bundle_cannot_hold_is_refused(text):
    with pytest.raises(ValueError, match="cannot be bundled"):
        bundle("a.js", {"a.js": text, "b.js": ""}.__getitem__)


def test_modules_in_a_circle_are_refused():
    texts = {"a.js": 'import { b } from "./b.js";', "b.js": 'import { a } from "./a.js";'}
    with pytest.raises(ValueError, match=r"a\.js imports b\.js imports a\.js"):
        bundle("a.js", texts.__getitem__)


# The page


def run(*arguments, stdin=None):
    """Of the command line, in a process of its own."""
    command = [sys.executable, "-m", "smartsplat", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)


def test_a_page_brings_everything_with_it(file, tmp_path):
    needs_decoder()
    page = tmp_path / "page.html"
    assert run("html", file, page).returncode == 0
    text = page.read_text(encoding="utf-8")
    assert len(text) <= 4 / 3 * len(FILE.data) + 350_000
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text
    assert base64.b64encode(FILE.data).decode() in text
    assert base64.b64encode(gzip.compress(DECODER.read_bytes(), 9, mtime=0)).decode() in text
    assert "<title>a &lt;b&gt;.ssplat</title>" in text


def test_streams(file):
    needs_decoder()
    from_stdin = run("html", "-", "-", stdin=FILE.data)
    assert from_stdin.returncode == 0
    assert from_stdin.stdout.startswith(b"<!doctype html>")


@pytest.mark.parametrize("data", [b"", b"not a file", FILE.data[:-1]])
def test_what_is_no_file_makes_no_page(tmp_path, data):
    (tmp_path / "x.ssplat").write_bytes(data)
    done = run("html", tmp_path / "x.ssplat", tmp_path / "page.html")
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert not (tmp_path / "page.html").exists()


def test_a_page_that_is_there_stays(file, tmp_path):
    (tmp_path / "page.html").write_text("mine")
    done = run("html", file, tmp_path / "page.html")
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert (tmp_path / "page.html").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["nowhere.ssplat"], 1),
        (["a.ssplat", "b.ssplat", "--original", "c.png"], 2),
        (["a.ssplat", "--port", "99999"], 2),
        (["FILE", "--original", __file__], 1),
        (["FILE", "--original", "small.png"], 1),
        (["FILE", "--original", "nowhere.png"], 1),
    ],
)
def test_view_refuses(capsys, file, tmp_path, monkeypatch, arguments, status):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (3, 2)).save("small.png")
    arguments = [str(file) if argument == "FILE" else argument for argument in arguments]
    with pytest.raises(SystemExit) as ended:
        main(["view", "--no-browser", *arguments])
    assert ended.value.code == status
    assert "Traceback" not in capsys.readouterr().err


# The server


@contextmanager
def served(*shown):
    needs_decoder()
    with make_server(shown) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()


def ask(port, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


def test_the_server_gives_files_and_ranges(file):
    with served(Shown(file)) as port:
        status, headers, body = ask(port, "/files/0")
        assert (status, body, headers["Content-Type"]) == (200, FILE.data, "image/x-ssplat")
        size = len(FILE.data)
        for asked, first, last in [
            ("0-9", 0, 9),
            ("5-5", 5, 5),
            ("100-", 100, size - 1),
            ("100-999999", 100, size - 1),
        ]:
            status, headers, body = ask(port, "/files/0", Range=f"bytes={asked}")
            assert (status, body) == (206, FILE.data[first : last + 1])
            assert headers["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert ask(port, "/files/0", Range=f"bytes={size}-")[0] == 416
        assert ask(port, "/files/0", Range="bytes=9-5")[0] == 416
        status, headers, body = ask(port, "/files/0", "HEAD")
        assert (status, headers["Content-Length"], body) == (200, str(size), b"")


@pytest.mark.parametrize(
    "path",
    ["/files/1", "/files/-1", "/files/x", "/files", "/web/../pyproject.toml", "/web/%2e%2e/x.js", "/web/package.json",
     "/web/nothing.js", "/originals/0", "/facts/0", "/x", "//", "/files/0/1"],
)  # fmt: skip
def test_the_server_gives_nothing_else(file, path):
    with served(Shown(file)) as port:
        status, _, body = ask(port, path)
    assert status == (200 if path == "//" else 404)
    assert b"[project]" not in body


def test_the_server_speaks_to_nobody_else(file):
    with served(Shown(file)) as port:
        assert ask(port, "/files/0", Host=f"evil.example:{port}")[0] == 403
        assert ask(port, "/files/0", Host=f"localhost:{port}")[0] == 200


def test_a_file_that_goes_away(file):
    with served(Shown(file)) as port:
        file.unlink()
        status, _, body = ask(port, "/files/0")
    assert (status, body.count(b"\n")) == (404, 1)


# In a browser


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def opened(browser):
    """Opens a page, waits for all of the picture, and fails where the page does."""
    problems, pages = [], []

    def open_page(url, **options):
        page = browser.new_page(**({"viewport": {"width": 500, "height": 400}} | options))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.goto(url)
        settle(page)
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert not problems


def settle(page):
    page.wait_for_function("globalThis.page?.viewer?.complete")


def canvas(page):
    """The viewer's pixels, RGBA."""
    width, height, data = page.evaluate("""() => {
      const { canvas } = page.viewer;
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let text = "";
      for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
      return [canvas.width, canvas.height, btoa(text)];
    }""")
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4).astype(int)


def shown_at_full_size(page):
    """The part of the canvas that the picture takes at one pixel for each px."""
    page.keyboard.press("1")
    settle(page)
    pixels = canvas(page)
    rows, columns = np.nonzero(pixels[..., 3])
    return pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1, :3]


@pytest.mark.parametrize("name", ["mixed", "lattice-8", "splats-grey"])
def test_a_page_opens_from_disk(opened, tmp_path, name):
    (tmp_path / "x.ssplat").write_bytes(FILES[name].data)
    assert run("html", tmp_path / "x.ssplat", tmp_path / "page.html").returncode == 0
    page = opened((tmp_path / "page.html").as_uri())
    expected = smartsplat.open(FILES[name].data).render()
    expected = expected if expected.ndim == 3 else expected[:, :, None]
    assert np.abs(shown_at_full_size(page) - expected).max() <= 1


def test_the_page_says_what_it_shows(opened, file, original):
    with served(Shown(file, original)) as port:
        page = opened(f"http://127.0.0.1:{port}/")
        page.wait_for_function("document.getElementById('facts').textContent.includes(' dB')")
        facts = page.locator("#facts").inner_text()
        expected = psnr(np.asarray(Image.open(original)), smartsplat.open(FILE.data).render())
        assert f"{FILE.width} × {FILE.height}" in facts
        assert f"{expected:.2f} dB" in facts
        assert page.locator("#name").inner_text() == file.name


def test_the_original_stands_to_the_right(opened, file, original):
    with served(Shown(file, original)) as port:
        page = opened(f"http://127.0.0.1:{port}/")
        page.wait_for_function("!document.getElementById('comparison').hidden")
        before = canvas(page)
        page.locator("#divider").fill("0.5")
        page.wait_for_function("page.viewer.canvas.getContext('2d').getImageData(400, 180, 1, 1).data[0] === 255")
        settle(page)
        after = canvas(page)
        middle = after.shape[1] // 2
        np.testing.assert_array_equal(after[:, : middle - 2], before[:, : middle - 2])
        right = after[150:200, middle + 5 : middle + 200]
        assert (right[..., 0] == 255).all()
        assert (right[..., 1:3] == 0).all()


def test_moves(opened, file):
    with served(Shown(file)) as port:
        page = opened(f"http://127.0.0.1:{port}/")
        zoom = "page.viewer.camera.zoom"
        fitting = page.evaluate(zoom)
        page.mouse.move(250, 200)
        page.mouse.wheel(0, -400)
        page.wait_for_function(f"{zoom} > {1.2 * fitting}")
        x, y = page.evaluate("[page.viewer.camera.x, page.viewer.camera.y]")
        page.mouse.down()
        page.mouse.move(210, 180)
        page.mouse.up()
        moved = page.evaluate(f"[(page.viewer.camera.x - {x}) * {zoom}, (page.viewer.camera.y - {y}) * {zoom}]")
        np.testing.assert_allclose(moved, [40, 20], atol=1e-6)
        page.keyboard.press("ArrowRight")
        assert page.evaluate("page.viewer.camera.x") > x
        page.keyboard.press("0")
        assert page.evaluate(zoom) == pytest.approx(fitting)
        page.keyboard.press("+")
        assert page.evaluate(zoom) == pytest.approx(1.4 * fitting)
        page.evaluate("page.viewer.move((camera) => camera.zoomed(1e9))")
        assert page.evaluate(zoom) == 64


def test_two_fingers_zoom(opened, file):
    with served(Shown(file)) as port:
        page = opened(f"http://127.0.0.1:{port}/", has_touch=True)
        before = page.evaluate("page.viewer.camera.zoom")
        touch = page.context.new_cdp_session(page)
        for kind, spread in [("touchStart", 20), ("touchMove", 30), ("touchMove", 40)]:
            points = [{"x": 250 - spread, "y": 200, "id": 0}, {"x": 250 + spread, "y": 200, "id": 1}]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert page.evaluate("page.viewer.camera.zoom") == pytest.approx(2 * before, rel=0.01)


def test_beyond_its_own_size_the_gaussians_are_seen(opened, file):
    with served(Shown(file)) as port:
        page = opened(f"http://127.0.0.1:{port}/")
        page.evaluate("page.viewer.move((camera) => camera.with({ x: 40, y: 30, zoom: 16 }))")
        settle(page)
        pixels = canvas(page)[100:200, 150:350, :3]
        left, top = 40 - 250 / 16, 30 - canvas(page).shape[0] / 2 / 16
        region = (left + 150 / 16, top + 100 / 16, 200 / 16, 100 / 16)
        expected = smartsplat.open(FILE.data).render(region=region, scale=16)
        assert np.abs(pixels - expected).max() <= 8  # tiles begin at whole pixels


def test_no_frame_is_blank(opened, file):
    """Coarser tiles stand in until those of a new place are there."""
    with served(Shown(file)) as port:
        page = opened(f"http://127.0.0.1:{port}/")
        blank = page.evaluate("""async () => {
          const { viewer } = page;
          let blank = 0;
          for (let i = 0; i < 30; ++i) {
            viewer.move((camera) => camera.with({ x: 20 + i, y: 20 + (i % 7), zoom: 6 + i }));
            await new Promise(requestAnimationFrame);
            const { width, height } = viewer.canvas;
            const { data } = viewer.canvas.getContext("2d").getImageData(0, 0, width, height);
            for (let at = 3; at < data.length; at += 4) blank += data[at] < 255;
          }
          return blank;
        }""")
        assert blank == 0


def test_outlines_of_splats(opened, tmp_path):
    (tmp_path / "s.ssplat").write_bytes(FILES["splats"].data)
    with served(Shown(tmp_path / "s.ssplat")) as port:
        page = opened(f"http://127.0.0.1:{port}/")
        without = canvas(page)
        text = page.evaluate("page.viewer.canvas.toDataURL()")
        page.keyboard.press("o")
        page.wait_for_function("(before) => page.viewer.canvas.toDataURL() !== before", arg=text)
        settle(page)
        drawn = np.any(canvas(page) != without, axis=2)
        splats = smartsplat.open(FILES["splats"].data).splats
        zoom, x, y = page.evaluate("[page.viewer.camera.zoom, page.viewer.camera.x, page.viewer.camera.y]")
        places = (splats.xy - [x, y]) * zoom + [drawn.shape[1] / 2, drawn.shape[0] / 2]
        axis = np.column_stack([np.cos(splats.angle), np.sin(splats.angle)]) * splats.scale[:, :1] * zoom
        large = splats.scale.max(axis=1) * zoom > 3
        ends = np.round((places + axis)[large]).astype(int)
        inside = ((ends > 1) & (ends < np.array(drawn.shape)[::-1] - 2)).all(axis=1)
        hit = [drawn[row - 1 : row + 2, column - 1 : column + 2].any() for column, row in ends[inside]]
        assert len(hit) > 10
        assert np.mean(hit) > 0.95
        page.keyboard.press("o")
        page.wait_for_function("(before) => page.viewer.canvas.toDataURL() === before", arg=text)
        settle(page)
        np.testing.assert_array_equal(canvas(page), without)


def test_outlines_that_were_turned_off_before_they_came_stay_off(opened, tmp_path):
    """And what came is kept."""
    (tmp_path / "s.ssplat").write_bytes(FILES["splats"].data)
    with served(Shown(tmp_path / "s.ssplat")) as port:
        page = opened(f"http://127.0.0.1:{port}/")
        without = canvas(page)
        page.evaluate("""async () => {
          globalThis.asked = 0;
          const { postMessage } = Worker.prototype;
          Worker.prototype.postMessage = function (message) {
            asked += message.call === "splats";
            postMessage.call(this, message);
          };
          await Promise.all([true, false].map((shown) => page.viewer.showOutlines(shown)));
          await new Promise(requestAnimationFrame);
        }""")
        settle(page)
        np.testing.assert_array_equal(canvas(page), without)
        page.evaluate("page.viewer.showOutlines(true)")
        settle(page)
        assert np.any(canvas(page) != without)
        assert page.evaluate("asked") == 1


def test_several_files_and_one_that_is_damaged(browser, file, tmp_path):
    (tmp_path / "bad.ssplat").write_bytes(b"nothing")
    with served(Shown(file), Shown(tmp_path / "bad.ssplat")) as port:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        settle(page)
        page.select_option("#files", index=1)
        page.wait_for_function("document.querySelector('#message.wrong')")
        assert page.locator("#message").inner_text() == "This is not an .ssplat file."
        page.select_option("#files", index=0)
        settle(page)
        assert page.locator("#message").is_hidden()
        page.close()


def test_a_line_that_is_down_for_a_while(browser, tmp_path):
    (tmp_path / "large.ssplat").write_bytes(make_file(1300, 900, 1, 6, 3400, make_file(163, 113, 2, 6)))
    with served(Shown(tmp_path / "large.ssplat")) as port:
        page = browser.new_page(viewport={"width": 200, "height": 200})
        page.goto(f"http://127.0.0.1:{port}/")
        settle(page)
        page.route("**/files/0", lambda route: route.abort())
        page.keyboard.press("1")
        page.wait_for_function("document.querySelector('#message.wrong')")
        assert "could not be fetched" in page.locator("#message").inner_text()
        page.unroute("**/files/0")
        page.wait_for_function("page.viewer.complete && !page.viewer.failing")
        page.locator("#message").wait_for(state="hidden")
        page.close()


def test_another_file_is_chosen_before_the_decoder_is_there(browser, file):
    held = []
    with served(Shown(file), Shown(file)) as port:
        page = browser.new_page()
        page.route("**/*.wasm", lambda route: held.append(route))
        page.goto(f"http://127.0.0.1:{port}/", wait_until="commit")
        page.wait_for_function("globalThis.page")
        page.wait_for_timeout(50)
        page.select_option("#files", index=1)
        for route in held:
            route.continue_()
        settle(page)
        assert page.locator("canvas").count() == 1
        page.close()


@pytest.mark.parametrize(("width", "height", "ratio"), [(360, 640, 2), (800, 500, 1), (1600, 900, 1)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_window(opened, file, width, height, ratio, scheme):
    viewport = {"width": width, "height": height}
    with served(Shown(file)) as port:
        page = opened(f"http://127.0.0.1:{port}/", viewport=viewport, device_scale_factor=ratio, color_scheme=scheme)
        sides = page.evaluate("""() => {
          const { scrollWidth, scrollHeight } = document.documentElement;
          const { width, clientWidth, clientHeight } = page.viewer.canvas;
          return [scrollWidth, scrollHeight, width, clientWidth, clientHeight];
        }""")
        assert sides[:2] == [width, height]
        assert sides[2:4] == [width * ratio, width]
        assert sides[4] > 0.6 * height
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (int(background[4:].split(",")[0]) < 128) == (scheme == "dark")
