"""The npm package in headless Chromium: pixels as native, errors that are sentences, calling off, the element,
OpenSeadragon."""

import base64
import subprocess

import numpy as np
import pytest

import smartsplat
from tests.browser import Answer, chromium, module_page, serving
from tests.golden.files import golden_files, judged

FILES = {file.name: file for file in golden_files()}
FILE = FILES["mixed"]


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def answers():
    return {f"/{name}.ssplat": Answer(file.data, type="image/x-ssplat") for name, file in FILES.items()}


@pytest.fixture(scope="module")
def address(answers, browser):
    with serving(answers) as found:
        yield found


@pytest.fixture
def page(browser, address):
    with module_page(browser, address, viewport={"width": 640, "height": 480}) as found:
        yield found


def rendered(page, name, options, source="url"):
    """RGB pixels, and what the picture says of itself."""
    width, height, text, about = page.evaluate(
        """async ([url, options, source]) => {
          const from = { url, blob: () => fetch(url).then((r) => r.blob()),
                         buffer: () => fetch(url).then((r) => r.arrayBuffer()) }[source];
          const picture = await smartsplat.open(typeof from === "string" ? from : await from());
          const { width, height, data } = await picture.render(options);
          const about = { width: picture.width, height: picture.height, grey: picture.grey, bytes: picture.bytes };
          picture.close();
          return [width, height, await base64(data), about];
        }""",
        [f"/{name}.ssplat", options, source],
    )
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4), about


def region_of(x, y, width, height):
    return {"x": x, "y": y, "width": width, "height": height}


def test_golden_files_have_their_pixels(page):
    different = samples = greatest = 0
    for name, file in FILES.items():
        pixels, about = rendered(page, name, {"region": region_of(*file.region)})
        assert about == {
            "width": file.width,
            "height": file.height,
            "grey": file.channels < 3,
            "bytes": len(file.data),
        }
        has_alpha = file.channels % 2 == 0
        assert has_alpha or (pixels[..., 3] == 255).all()
        expected = np.frombuffer(file.pixels, np.uint8)
        places = [*((0,) if file.channels < 3 else (0, 1, 2)), *((3,) if has_alpha else ())]
        difference = np.abs(pixels[..., places].ravel().astype(int) - expected)
        different, samples = different + np.count_nonzero(difference), samples + expected.size
        greatest = max(greatest, int(difference.max()))
    judged(different, samples, greatest)


@pytest.mark.parametrize("source", ["url", "blob", "buffer"])
@pytest.mark.parametrize(
    ("options", "native"),
    [
        ({}, {}),
        ({"scale": 0.37}, {"scale": 0.37}),
        ({"region": region_of(10.25, 3, 40, 21.5), "scale": 2.5}, {"region": (10.25, 3, 40, 21.5), "scale": 2.5}),
        ({"size": {"width": 31, "height": 200}}, {"size": (31, 200)}),
        (
            {"region": region_of(5, 5, 20, 20), "size": {"width": 7, "height": 9}},
            {"region": (5, 5, 20, 20), "size": (7, 9)},
        ),
    ],
)
def test_views_are_those_of_the_native_decoder(page, source, options, native):
    pixels, _ = rendered(page, "mixed", options, source)
    expected = smartsplat.Renderer(smartsplat.open(FILE.data)).render(**native)
    assert pixels.shape[:2] == expected.shape[:2]
    difference = np.abs(pixels[..., :3].astype(int) - expected)
    assert difference.max() <= 1
    assert np.count_nonzero(difference) <= max(1e-3 * difference.size, 2)


def test_an_image_bitmap_is_given_where_it_is_asked_for(page):
    assert page.evaluate("""async () => {
      const picture = await smartsplat.open("/mixed.ssplat");
      const bitmap = await picture.render({ as: "ImageBitmap", scale: 0.5 });
      return [bitmap instanceof ImageBitmap, bitmap.width, bitmap.height];
    }""") == [True, FILE.width // 2, FILE.height // 2]


def test_splats_are_those_of_the_file(page):
    rows = page.evaluate("smartsplat.open('/splats.ssplat').then(async (p) => [...await p.splats()])")
    splats = smartsplat.open(FILES["splats"].data).splats
    expected = np.column_stack([splats.xy, splats.scale, splats.angle, splats.colour])
    np.testing.assert_allclose(np.reshape(rows, (-1, 8)), expected, rtol=1e-5, atol=1e-5)


# What can go wrong


def failure(page, url, options="{}"):
    return page.evaluate(f"failure(smartsplat.open({url!r}, {options}))")


@pytest.mark.parametrize("memory", [0, 1 << 20, 2**40])
def test_any_limit_of_memory(page, memory):
    said = page.evaluate(f"failure(smartsplat.open('/mixed.ssplat', {{ memory: {memory} }}).then((p) => p.render()))")
    assert said == "none" or (memory < 2**40 and said == "LimitError: There is not enough memory.")


@pytest.mark.parametrize("type", ["text/plain", "text/html; charset=utf-8", "image/png"])
def test_a_wrong_content_type_does_not_matter(page, answers, type):
    answers["/typed"] = Answer(FILE.data, type=type)
    assert failure(page, "/typed") == "none"


def test_what_is_not_there(page):
    assert (
        failure(page, "/missing.ssplat") == "NetworkError: missing.ssplat could not be fetched: there is no such file."
    )
    assert page.evaluate("smartsplat.open('/missing.ssplat').catch((error) => error.status)") == 404


def test_what_the_server_refuses(page, answers):
    answers["/no"] = Answer(b"", 503)
    assert failure(page, "/no") == "NetworkError: no could not be fetched: the server said 503."


def test_no_server_at_all(page):
    with serving({}) as gone:
        pass
    assert failure(page, f"{gone}/x").startswith("NetworkError: The file could not be fetched: the server does not")


@pytest.mark.parametrize("body", [b"<!doctype html><title>Log in</title>", b"\x89PNG\r\n\x1a\n123", b"\x89SSX"])
def test_what_is_no_file_of_ours(page, answers, body):
    answers["/other"] = Answer(body, type="text/html")
    assert failure(page, "/other") == "FormatError: This is not an .ssplat file, but text/html."


def test_an_empty_file(page, answers):
    answers["/empty"] = Answer(b"")
    assert failure(page, "/empty").startswith("FormatError: ")


def test_a_file_that_ends_early(page, answers):
    for length in (4, 9, len(FILE.data) // 2, len(FILE.data) - 1):
        answers["/short"] = Answer(FILE.data[:length])
        assert failure(page, "/short").startswith("FormatError: "), length


def test_a_connection_that_breaks(page, answers):
    answers["/broken"] = Answer(FILE.data[:100], length=len(FILE.data))
    assert failure(page, "/broken").startswith("NetworkError: The connection broke after ")


def test_damage(page, answers):
    answers["/damaged"] = Answer(FILE.data[:-20] + b"x" * 20)
    assert page.evaluate("failure(smartsplat.open('/damaged').then((picture) => picture.render()))").startswith(
        "FormatError: "
    )


def test_limits(page):
    assert failure(page, "/mixed.ssplat", "{maxBytes: 100}").startswith("LimitError: The file has ")
    big = "{scale: 100}"
    assert page.evaluate(
        f"failure(smartsplat.open('/mixed.ssplat', {{maxPixels: 10000}}).then((p) => p.render({big})))"
    ).startswith("LimitError: ")
    assert (
        page.evaluate(f"failure(smartsplat.open('/mixed.ssplat', {{memory: 8 << 20}}).then((p) => p.render({big})))")
        == "LimitError: There is not enough memory."
    )


@pytest.mark.parametrize(
    "options",
    ["{region: {x: -5, y: 0, width: 9, height: 9}}", "{region: {x: 0, y: 0, width: 0, height: 9}}", "{scale: -1}",
     "{scale: NaN}", "{size: {width: 0, height: 5}}", "{scale: 1, size: {width: 4, height: 5}}"],
)  # fmt: skip
def test_views_that_there_are_not(page, options):
    assert page.evaluate(f"failure(smartsplat.open('/mixed.ssplat').then((p) => p.render({options})))").startswith(
        "ViewError: "
    )


def test_what_cannot_be_sent_to_a_worker_does_no_harm(page):
    assert page.evaluate("""async () => {
      const picture = await smartsplat.open("/mixed.ssplat", { workers: 1 });
      const region = { x: 0, y: 0, width: 9, height: 9, move: () => {} };
      return [
        await failure(picture.render({ region })),
        (await failure(picture.render({ draft: () => {} }))).split(":")[0],
        await failure(picture.render()),
      ];
    }""") == ["none", "DataCloneError", "none"]


def test_a_decoder_that_failed_is_replaced(page):
    assert page.evaluate("""async () => {
      const picture = await smartsplat.open("/mixed.ssplat", { workers: 1, memory: 8 << 20 });
      const failed = await failure(picture.render({ scale: 100 }));
      const { width } = await picture.render();
      return [failed.split(":")[0], width];
    }""") == ["LimitError", FILE.width]


def test_an_old_browser(page):
    assert (
        page.evaluate("""async () => {
      WebAssembly.validate = () => false;
      return failure(smartsplat.open("/mixed.ssplat"));
    }""")
        == "UnsupportedError: This browser is too old to show the picture: it has no WebAssembly with SIMD."
    )


def test_a_page_that_lacks_the_worker(page):
    assert page.evaluate("""async () => {
      smartsplat.assets.worker = "/nowhere.js";
      return failure(smartsplat.open("/mixed.ssplat"));
    }""").startswith("DecoderError: The worker failed")


# Calling off


def test_opening_is_called_off(page):
    assert page.evaluate("""async () => {
      const controller = new AbortController();
      const opening = failure(smartsplat.open("/mixed.ssplat", { signal: controller.signal }));
      controller.abort();
      return opening;
    }""").startswith("AbortError")


def test_opening_is_called_off_while_the_decoder_loads(page):
    assert page.evaluate("""async () => {
      let give;
      const wasm = await fetch("/web/smartsplat.wasm").then((answer) => answer.arrayBuffer());
      smartsplat.assets.decoder = new Promise((resolve) => (give = resolve));
      const file = await fetch("/mixed.ssplat").then((answer) => answer.blob());
      const controller = new AbortController();
      const opening = failure(smartsplat.open(file, { signal: controller.signal }));
      await new Promise((resolve) => setTimeout(resolve, 50));
      controller.abort();
      give(wasm);
      return opening;
    }""").startswith("AbortError")


@pytest.mark.parametrize("broken", ["decoder", "worker"])
def test_when_an_opening_fails_nothing_more_is_fetched(page, broken):
    said = page.evaluate(
        """async (broken) => {
          const { fetch } = globalThis;
          const signals = [];
          let goOn;
          globalThis.fetch = async (url, options) => {
            if (url !== "/endless") return fetch(url, options);
            signals.push(options.signal);
            const body = new ReadableStream({ start: (controller) => (goOn = () => controller.enqueue(bytes)) });
            return new Response(body);
          };
          const bytes = await fetch("/mixed.ssplat").then((answer) => answer.bytes());
          let fail;
          if (broken === "decoder") smartsplat.assets.decoder = new Promise((_, reject) => (fail = reject));
          else smartsplat.assets.worker = "https://example.invalid/worker.js";
          let told = 0;
          const opening = failure(smartsplat.open("/endless", { onprogress: () => (told += 1) }));
          fail?.(new smartsplat.UnsupportedError("Too old."));
          const said = await opening;
          goOn();
          await new Promise((resolve) => setTimeout(resolve, 20));
          return [said, signals.map(({ aborted }) => aborted), told];
        }""",
        broken,
    )
    texts = {"decoder": "UnsupportedError: Too old.", "worker": "DecoderError: The worker could not be started: "}
    assert said[0].startswith(texts[broken])
    assert said[1:] == [[True], 0]


def test_rendering_is_called_off_and_the_others_go_on(page):
    results = page.evaluate("""async () => {
      const picture = await smartsplat.open("/mixed.ssplat", { workers: 2 });
      const controllers = Array.from({ length: 12 }, () => new AbortController());
      const all = controllers.map(({ signal }) => failure(picture.render({ scale: 4, signal })));
      for (const [i, controller] of controllers.entries()) if (i % 3 > 0) controller.abort();
      return Promise.all(all);
    }""")
    assert [result.split(":")[0] for result in results] == ["none", "AbortError", "AbortError"] * 4


def test_a_closed_picture_says_so(page):
    assert (
        page.evaluate("""async () => {
      const picture = await smartsplat.open("/mixed.ssplat", { workers: 1 });
      const pending = [picture.render(), picture.render()].map(failure);
      picture.close();
      return [...await Promise.all(pending), await failure(picture.render())];
    }""")
        == ["SmartSplatError: The picture is closed."] * 3
    )


# The element


def test_the_element_shows_a_picture(page):
    page.evaluate("import('/web/element.js')")
    shown = page.evaluate("""async () => {
      const element = document.createElement("smart-splat");
      element.style.width = "192px";
      element.setAttribute("alt", "a test");
      const loaded = new Promise((resolve) => element.addEventListener("load", resolve));
      element.src = "/mixed.ssplat";
      document.body.append(element);
      await loaded;
      const canvas = element.shadowRoot.querySelector("canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const label = canvas.getAttribute("aria-label");
      return [element.clientWidth, element.clientHeight, canvas.width, label, await base64(data)];
    }""")
    height = round(192 * FILE.height / FILE.width)
    assert shown[:4] == [192, height, 192, "a test"]
    pixels = np.frombuffer(base64.b64decode(shown[4]), np.uint8).reshape(height, 192, 4)
    expected = smartsplat.open(FILE.data).render(size=(192, height))
    assert np.abs(pixels[..., :3].astype(int) - expected).max() <= 1


def test_an_element_that_cannot_be_drawn_in_another_size_stays(page):
    page.evaluate("import('/web/element.js')")
    page.evaluate('document.body.innerHTML = \'<smart-splat src="/mixed.ssplat" style="width: 96px"></smart-splat>\'')
    width = "document.querySelector('smart-splat').shadowRoot.querySelector('canvas')?.width"
    page.wait_for_function(f"{width} === 96")
    said = page.evaluate("""async () => {
      const element = document.querySelector("smart-splat");
      const { picture } = element;
      const { render } = picture;
      picture.render = () => Promise.reject(new Error("not now"));
      const failed = new Promise((resolve) => element.addEventListener("error", ({ error }) => resolve(error.message)));
      element.style.width = "120px";
      const said = await failed;
      picture.render = render;
      for (const width of [130, 140, 150]) {
        element.style.width = `${width}px`;
        await new Promise(requestAnimationFrame);
      }
      return said;
    }""")
    assert said == "not now"
    page.wait_for_function(f"{width} === 150")


@pytest.mark.parametrize(("kind", "stays"), [("NetworkError", True), ("FormatError", False)])
def test_a_zoomable_element_of_which_nothing_can_be_drawn(page, kind, stays):
    """It is given up, unless it may be drawn later."""
    page.evaluate("import('/web/element.js')")
    page.evaluate(
        """async (kind) => {
          const { render } = smartsplat.Picture.prototype;
          smartsplat.Picture.prototype.render = async () => {
            smartsplat.Picture.prototype.render = render;
            throw new smartsplat[kind]("It went wrong.");
          };
          document.body.innerHTML =
            '<smart-splat src="/mixed.ssplat" zoomable style="width: 30px; height: 20px"></smart-splat>';
          const [element] = document.body.children;
          await new Promise((resolve) => element.addEventListener("error", resolve));
          globalThis.root = element.shadowRoot;
        }""",
        kind,
    )
    if stays:
        middle = "root.querySelector('canvas').getContext('2d').getImageData(15, 10, 1, 1).data[3]"
        page.wait_for_function(f"{middle} === 255")
    else:
        assert page.locator("smart-splat [role=alert]").inner_text() == "It went wrong."


def test_tiles_that_are_seen_are_kept(page):
    """However many they are; others make room."""
    assert page.evaluate("""async () => {
      const { TileCache } = await import("/web/tiles.js");
      const closed = [];
      const render = async ({ region }) => ({ width: 5, height: 5, close: () => closed.push(region) });
      const tiles = new TileCache({ render }, { onready: () => {}, onerror: () => {}, bytes: 150 });
      const named = (...keys) => keys.map((key) => ({ key, region: key, size: {} }));
      const made = [];
      for (const keys of [["a", "b", "c"], ["c", "d"]]) {
        tiles.want(named(...keys));
        await new Promise((resolve) => setTimeout(resolve));
        made.push(["a", "b", "c", "d"].filter((key) => tiles.get({ key })));
      }
      return [made, closed];
    }""") == [[["a", "b", "c"], ["c", "d"]], ["a", "b"]]


def test_a_zoomable_element_zooms(page):
    page.evaluate("import('/web/element.js')")
    page.evaluate("""document.body.innerHTML =
      '<smart-splat src="/mixed.ssplat" zoomable style="width: 300px; height: 200px"></smart-splat>'""")
    page.wait_for_function("document.querySelector('smart-splat').shadowRoot.querySelector('canvas')")
    centre = """(() => {
      const canvas = document.querySelector("smart-splat").shadowRoot.querySelector("canvas");
      return [...canvas.getContext("2d").getImageData(75, 50, 150, 100).data];
    })()"""
    page.wait_for_function(f"{centre}.every((value, i) => i % 4 < 3 || value === 255)")
    before = page.evaluate(centre)
    page.mouse.move(150, 100)
    page.mouse.wheel(0, -400)
    page.wait_for_function(f"(old) => {centre}.some((value, i) => Math.abs(value - old[i]) > 8)", arg=before)


def test_the_element_says_what_is_wrong(page):
    page.evaluate("import('/web/element.js')")
    page.evaluate("document.body.innerHTML = '<smart-splat src=\"/missing.ssplat\"></smart-splat>'")
    page.wait_for_function("document.querySelector('smart-splat').shadowRoot.querySelector('[role=alert]')")
    assert "there is no such file" in page.locator("smart-splat [role=alert]").inner_text()


# OpenSeadragon


@pytest.fixture(scope="session")
def openseadragon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("npm")
    command = ["npm", "pack", "--silent", "openseadragon@6.1.1"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("OpenSeadragon cannot be fetched from npm")
    subprocess.run(["tar", "xf", next(folder.glob("*.tgz")).name], cwd=folder, check=True)
    return (folder / "package" / "build" / "openseadragon" / "openseadragon.min.js").read_bytes()


def test_openseadragon_zooms(page, answers, openseadragon):
    answers["/osd.js"] = Answer(openseadragon, type="text/javascript")
    page.add_script_tag(url="/osd.js")
    page.evaluate("""async () => {
      document.body.innerHTML = '<div id="osd" style="width: 600px; height: 400px"></div>';
      const { tileSource } = await import("/web/openseadragon.js");
      const source = tileSource(OpenSeadragon, await smartsplat.open("/mixed.ssplat"));
      globalThis.osd = OpenSeadragon({ id: "osd", tileSources: [source], maxZoomPixelRatio: 16, drawer: "canvas",
                                       animationTime: 0, immediateRender: true, showNavigationControl: false });
    }""")
    whole, seen = "osd.world.getItemAt(0)?.getFullyLoaded()", "osd.world.getItemAt(0).lastDrawn"
    page.wait_for_function(whole)
    page.evaluate("osd.viewport.zoomTo(8, null, true)")
    page.wait_for_function(f"{whole} && {seen}.some((tile) => tile.level > 7)")
    pixels = page.evaluate("""() => {
      const canvas = osd.drawer.canvas;
      const { data } = canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1);
      return [...data];
    }""")
    middle = smartsplat.open(FILE.data).render(region=(FILE.width / 2 - 0.5, FILE.height / 2 - 0.5, 1, 1))
    assert np.abs(np.array(pixels[:3]) - middle[0, 0]).max() <= 24  # a pixel or two beside it
    assert pixels[3] == 255
