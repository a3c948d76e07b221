"""The npm package and servers that give parts of a file: what is seen is fetched, and it looks as the whole does."""

import base64
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Event, Lock
from typing import Any

import numpy as np
import pytest

import smartsplat
from smartsplat.coding.container import Container
from smartsplat.coding.format import ALPHA
from tests.browser import Answer, chromium, module_page, serving
from tests.chunked import make_file

REGION = {"x": 700, "y": 500, "width": 90, "height": 60}


@pytest.fixture(scope="module")
def data():
    """A file of many chunks, with an overview that is quite another picture."""
    return make_file(1300, 900, 1, 6, 3400, make_file(163, 113, 2, 6))


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def answer(data):
    return Answer(data, type="image/x-ssplat", ranges=[])


@pytest.fixture
def page(browser, answer):
    with serving({"/a.ssplat": answer}) as address, module_page(browser, address) as found:
        yield found


@pytest.fixture
def far(answer):
    """A file whose overview is not in the front that is fetched first."""
    answer.body = make_file(1300, 900, 1, 6, 3400, make_file(163, 113, 1, 6, 2000))
    return answer.body


def opened(page):
    page.evaluate("async () => { globalThis.picture = await smartsplat.open('/a.ssplat'); }")


def rendered(page, options):
    width, height, text = page.evaluate(
        """async (options) => {
          const { width, height, data } = await picture.render(options);
          return [width, height, await base64(data)];
        }""",
        options,
    )
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[..., :3]


def fetched(answer):
    return sum(length for _, length in answer.ranges)


def test_a_part_is_that_of_the_whole_and_little_is_fetched(page, answer, data):
    opened(page)
    assert fetched(answer) < 10_000
    pixels = rendered(page, {"region": REGION})
    expected = smartsplat.open(data).render(region=tuple(REGION.values()))
    assert np.abs(pixels.astype(int) - expected).max() <= 1
    assert fetched(answer) == page.evaluate("picture.bytesFetched") <= len(data)


def test_what_is_kept_is_not_fetched_again(page, answer):
    opened(page)
    rendered(page, {"region": REGION})
    before = list(answer.ranges)
    rendered(page, {"region": REGION})
    assert answer.ranges == before
    spans = sorted(before[1:])  # all but the front
    assert all(first + length <= second for (first, length), (second, _) in pairwise(spans))


def test_a_draft_is_the_overview(page, answer, data):
    opened(page)
    pixels = rendered(page, {"scale": 0.125, "draft": True})
    expected = smartsplat.open(data).render(scale=0.125, draft=True)
    assert pixels.shape == expected.shape == (113, 163, 3)
    assert np.abs(pixels.astype(int) - expected).max() <= 1
    assert fetched(answer) < 0.06 * len(data)


def test_a_finer_view_is_no_draft(page, data):
    opened(page)
    file = smartsplat.open(data)
    pixels = rendered(page, {"scale": 0.5, "draft": True})
    assert np.abs(pixels.astype(int) - file.render(scale=0.5)).max() <= 1


def test_a_draft_without_an_overview_as_fine_as_that_leaves_out_little(page, data):
    opened(page)
    exact = smartsplat.open(data).render(scale=0.25)
    pixels = rendered(page, {"scale": 0.25, "draft": True})
    assert 0 < np.mean((pixels.astype(float) - exact) ** 2) < 2  # 45 dB


def test_decoders_keep_chunks_and_show_the_same(page, data, rng):
    file = smartsplat.open(data)
    page.evaluate("async () => { globalThis.picture = await smartsplat.open('/a.ssplat', { workers: 1 }); }")
    for scale in (1, 0.25, 1 / 8, 1 / 16, 1 / 40, 2) * 3:
        width, height = (
            int(rng.integers(int(min(side, 4 / scale)), int(min(side, 200 / scale)) + 1)) for side in (1300, 900)
        )
        x, y = int(rng.integers(0, 1301 - width)), int(rng.integers(0, 901 - height))
        pixels = rendered(page, {"region": {"x": x, "y": y, "width": width, "height": height}, "scale": scale})
        expected = file.render(region=(x, y, width, height), scale=scale)
        assert np.abs(pixels.astype(int) - expected).max() <= 1


def test_little_memory_keeps_little(page, data):
    page.evaluate("async () => { globalThis.picture = await smartsplat.open('/a.ssplat', { memory: 24 << 20 }); }")
    for x in (0, 400, 800, 0):
        region = {"x": x, "y": 100, "width": 300, "height": 200}
        expected = smartsplat.open(data).render(region=tuple(region.values()))
        assert np.abs(rendered(page, {"region": region}).astype(int) - expected).max() <= 1


def test_an_overview_is_fetched_at_once_if_it_is_wanted(page, answer):
    page.evaluate("async () => { globalThis.picture = await smartsplat.open('/a.ssplat', { overview: true }); }")
    rendered(page, {"scale": 0.125, "draft": True})
    assert len(answer.ranges) == 1


def test_a_file_that_is_no_longer_than_its_front_is_fetched_once(browser):
    small = Answer(make_file(163, 113, 2, 6), type="image/x-ssplat", ranges=[])
    with serving({"/a.ssplat": small}) as address, module_page(browser, address) as page:
        page.evaluate(
            """async () => {
              globalThis.picture = await smartsplat.open('/a.ssplat', { overview: true });
              await picture.render();
            }"""
        )
    assert len(small.ranges) == 1


def distance(a, b):
    """PSNR of two pictures, dB."""
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


def roughness(picture):
    return np.abs(np.diff(picture.astype(float), axis=0)).mean()


def test_a_sketch_is_a_softer_draft(page, far):
    opened(page)
    for scale, most in [(0.25, 45), (0.12, 60)]:  # of the picture, and of its overview, which is smooth
        draft = rendered(page, {"scale": scale, "draft": True})
        sketch = rendered(page, {"scale": scale, "draft": "sketch"})
        assert 18 < distance(sketch, draft) < most, scale
        assert roughness(sketch) < roughness(draft), scale


def test_workers_share_the_overview(page, data):
    """And go on with the picture itself."""
    page.evaluate("async () => { globalThis.picture = await smartsplat.open('/a.ssplat', { workers: 2 }); }")
    parts = [{"x": x, "y": 0, "width": 325, "height": 900} for x in (0, 325, 650, 975)]
    drawn = page.evaluate(
        """async (parts) => {
          const size = { width: 41, height: 113 };
          const drafts = parts.map((region) => picture.render({ region, size, draft: true }));
          const exact = parts.map((region) => picture.render({ region, scale: 0.125 }));
          const all = await Promise.all([...drafts, ...exact]);
          return Promise.all(all.map(({ data }) => base64(data)));
        }""",
        parts,
    )
    pixels = [np.frombuffer(base64.b64decode(text), np.uint8).reshape(113, 41, 4)[..., :3] for text in drawn]
    file = smartsplat.open(data)
    for region, draft, exact in zip(parts, pixels[:4], pixels[4:], strict=True):
        place = tuple(region.values())
        assert np.abs(draft.astype(int) - file.render(region=place, size=(41, 113), draft=True)).max() <= 1
        assert np.abs(exact.astype(int) - file.render(region=place, size=(41, 113))).max() <= 1


VIEWER = """async (display) => {
  const { Viewer } = await import("/web/viewer.js");
  Object.assign(document.body.style, { margin: 0, width: "130px", height: "90px", display });
  globalThis.picture = await smartsplat.open("/a.ssplat", { overview: true, workers: 2 });
  const render = picture.render.bind(picture);
  picture.render = async (options) => {
    if (options.draft === true) await new Promise((over) => setTimeout(over, 100)); // a frame shows what was before
    return render(options);
  };
  globalThis.states = [];
  const onchange = ({ covered, complete }) => states.push([covered, complete]);
  globalThis.viewer = new Viewer(document.body, picture, { onchange });
}"""


def canvas(page):
    """Its RGB pixels, when all is there."""
    page.wait_for_function("viewer.complete && !viewer.failing")
    width, height, text = page.evaluate(
        """async () => {
          const { width, height } = viewer.canvas;
          const { data } = viewer.canvas.getContext("2d").getImageData(0, 0, width, height);
          return [width, height, await base64(data)];
        }"""
    )
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[..., :3].astype(int)


def test_a_window_shows_all_of_the_picture_first(page, answer, data):
    page.evaluate(VIEWER)
    pixels = canvas(page)
    assert [True, False] in page.evaluate("states")
    assert len(answer.ranges) == 1
    assert pixels.shape == (90, 130, 3)
    assert np.abs(pixels - smartsplat.open(data).render(scale=0.1, draft=True)).max() <= 1
    page.evaluate("viewer.move((camera) => camera.with({ zoom: 1 }))")
    page.wait_for_function("viewer.complete")
    assert len(answer.ranges) > 1


def test_a_window_that_is_shown_later_and_grows(page, data):
    page.evaluate(VIEWER, "none")
    page.wait_for_timeout(50)
    for scale, display in [(0.05, "block"), (0.1, "block")]:
        width, height = round(1300 * scale), round(900 * scale)
        page.evaluate(f"Object.assign(document.body.style, {{ width: '{width}px', height: '{height}px' }})")
        page.evaluate(f"document.body.style.display = '{display}'")
        page.wait_for_function(f"viewer.canvas.width === {width} && viewer.canvas.height === {height}")
        expected = smartsplat.open(data).render(size=(width, height), draft=True)
        assert np.abs(canvas(page) - expected).max() <= 1


def test_tiles_that_could_not_be_fetched_come_later(page, answer, data):
    page.evaluate(VIEWER)
    canvas(page)
    answer.ranges, answer.status = None, 500
    page.evaluate("viewer.move((camera) => camera.with({ zoom: 1, x: 640, y: 450 }))")
    page.wait_for_function("viewer.complete && viewer.failing")
    assert not page.evaluate("viewer.blank")
    answer.ranges, answer.status = [], 200
    expected = smartsplat.open(data).render(region=(575, 405, 130, 90))
    assert np.abs(canvas(page) - expected).max() <= 1


def test_a_file_that_is_there_as_a_whole_has_no_backdrop(page, data):
    """Its overview would be no sooner than tiles."""
    page.evaluate(
        """async () => {
          const { Viewer } = await import("/web/viewer.js");
          Object.assign(document.body.style, { margin: 0, width: "130px", height: "90px" });
          const picture = await smartsplat.open(await fetch("/a.ssplat").then((answer) => answer.blob()));
          const { render } = picture;
          globalThis.asked = [];
          picture.render = (options) => {
            asked.push([options.size.width, options.draft]);
            return render.call(picture, options);
          };
          globalThis.viewer = new Viewer(document.body, picture);
        }"""
    )
    pixels = canvas(page)
    asked = page.evaluate("asked")
    assert asked
    assert all(width > 1 and draft is True for width, draft in asked)
    assert distance(pixels, smartsplat.open(data).render(scale=0.1)) > 25


def test_requests_at_once_share_what_they_fetch(page, answer):
    opened(page)
    page.evaluate(
        "async (region) => { await Promise.all([1, 2, 3].map(() => picture.render({ region }))); }",
        REGION,
    )
    assert len(answer.ranges) == len(set(answer.ranges))


@dataclass
class Together(Answer):
    """Parts behind the front are given once two have been asked for."""

    asked: int = 0
    lock: Any = field(default_factory=Lock)
    together: Event = field(default_factory=Event)

    def part(self, asked):
        if asked and not asked.startswith("bytes=0-"):
            with self.lock:
                self.asked += 1
                if self.asked == 2:
                    self.together.set()
            assert self.together.wait(timeout=10)
        return super().part(asked)


def test_parts_are_asked_for_at_once(browser, data):
    answer = Together(data, type="image/x-ssplat", ranges=[])
    with serving({"/a.ssplat": answer}) as address, module_page(browser, address) as page:
        opened(page)
        corners = "[[0, 0], [1200, 800]].map(([x, y]) => ({ x, y, width: 90, height: 60 }))"
        views = f"{corners}.map((region) => failure(picture.render({{ region }})))"
        assert page.evaluate(f"() => Promise.all({views})") == ["none", "none"]
    assert answer.together.is_set()


def test_a_view_is_called_off_and_another_goes_on(page):
    opened(page)
    said = page.evaluate(
        """async (region) => {
          const controller = new AbortController();
          const first = failure(picture.render({ region, signal: controller.signal }));
          const second = failure(picture.render({ region }));
          controller.abort();
          return [await first, await second, await failure(picture.render({ region }))];
        }""",
        REGION,
    )
    assert said == ["AbortError: signal is aborted without reason", "none", "none"]


def test_a_file_that_becomes_shorter(page, answer, data):
    opened(page)
    answer.body = data[:-1000]
    assert page.evaluate("failure(picture.render({ scale: 1 }))") == (
        "NetworkError: The file on the server has changed since it was opened."
    )


def test_damage_is_named(page, answer, data):
    opened(page)
    answer.body = data[:60_000] + bytes(200_000) + data[260_000:]
    assert page.evaluate("failure(picture.render())").startswith("FormatError: The splats at ")


def test_a_server_that_fails_later(page, answer):
    opened(page)
    answer.ranges, answer.status = None, 500
    assert page.evaluate("failure(picture.render())") == (
        "NetworkError: A part of the file could not be fetched: the server said 500."
    )
    assert page.evaluate("picture.render().catch((error) => error.status)") == 500


def test_an_overview_that_fails_once(page, far):
    """Till it is there the file itself is shown."""
    opened(page)
    page.evaluate("""() => {
      const { fetch } = globalThis;
      globalThis.fetch = () => {
        globalThis.fetch = fetch;
        return Promise.reject(new TypeError("the line is down"));
      };
    }""")
    file = smartsplat.open(far)
    region = {"x": 0, "y": 0, "width": 400, "height": 400}
    exact = rendered(page, {"scale": 0.125, "draft": True, "region": region})
    assert distance(exact, file.render(region=tuple(region.values()), scale=0.125)) > 40
    draft = rendered(page, {"scale": 0.125, "draft": True})
    assert np.abs(draft.astype(int) - file.render(scale=0.125, draft=True)).max() <= 1


def test_a_picture_with_alpha_is_fetched_as_a_whole(page, answer, data):
    """And may be too large for that."""
    parts = Container.from_bytes(data)
    y, x = np.mgrid[0:900, 0:1300]
    alpha = smartsplat.encode((x * y % 251).astype(np.uint8)[::4, ::4].repeat(4, 0).repeat(4, 1), cr=200, effort=1)
    answer.body = Container(1300, 900, sections={**parts.sections, ALPHA: alpha.to_bytes()}).to_bytes()
    said = """async (maxBytes) => {
      const told = [];
      const onprogress = (bytes, total) => told.push([bytes, total]);
      const said = await failure(smartsplat.open("/a.ssplat", { maxBytes, onprogress }).then((p) => p.render()));
      return [said, told.at(-1)];
    }"""
    assert page.evaluate(said, 10_000)[0].startswith("LimitError: The file has ")
    assert page.evaluate(said, 1 << 30) == ["none", [len(answer.body)] * 2]


def test_closing_calls_fetches_off(page, far):
    opened(page)
    assert page.evaluate(
        """async (region) => {
          const signals = [];
          globalThis.fetch = (_, { signal }) => new Promise((_, reject) => {
            signals.push(signal);
            signal.addEventListener("abort", () => reject(signal.reason));
          });
          const coming = [picture.render({ region }), picture.render({ scale: 0.125, draft: true })].map(failure);
          await new Promise((resolve) => setTimeout(resolve, 20));
          picture.close();
          return [await Promise.all(coming), signals.length > 1 && signals.every(({ aborted }) => aborted)];
        }""",
        REGION,
    ) == [["SmartSplatError: The picture is closed."] * 2, True]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("{scale: 1e9}", "LimitError"),
        ("{size: {width: 3e9, height: 1}}", "LimitError"),
        ("{size: {width: 46341, height: 46341}}", "LimitError"),
        ("{region: {x: 0, y: 0, width: 1, height: 1}, scale: 1e5}", "LimitError"),
    ],
)
def test_after_an_impossible_view_others_are_shown(page, options, said):
    page.evaluate("async () => { globalThis.picture = await smartsplat.open('/a.ssplat', { maxPixels: 1e12 }); }")
    assert page.evaluate(f"failure(picture.render({options}))").startswith(said)
    assert page.evaluate("failure(picture.render({region: {x: 0, y: 0, width: 9, height: 9}}))") == "none"


def test_splats_of_a_file_that_is_too_large(page, answer):
    page.evaluate("async () => { globalThis.picture = await smartsplat.open('/a.ssplat', { maxBytes: 10_000 }); }")
    before = len(answer.ranges)
    assert page.evaluate("failure(picture.splats())").startswith("LimitError: The file has ")
    assert len(answer.ranges) == before


def test_a_server_that_shortens_ranges(browser):
    """What it gives first is not all."""
    body = make_file(163, 113, 2, 6)

    class Short(Answer):
        def part(self, asked):
            return super().part(asked and asked.replace("bytes=0-8191", "bytes=0-999"))

    with serving({"/a.ssplat": Short(body, ranges=[])}) as address, module_page(browser, address) as page:
        opened(page)
        assert np.abs(rendered(page, {}).astype(int) - smartsplat.open(body).render()).max() <= 1


def test_a_server_that_knows_no_ranges(page, answer, data):
    answer.ranges = None
    opened(page)
    pixels = rendered(page, {"region": REGION})
    assert np.abs(pixels.astype(int) - smartsplat.open(data).render(region=tuple(REGION.values()))).max() <= 1
    assert page.evaluate("picture.bytesFetched") == len(data)


def test_splats_need_the_whole_file(page, data):
    opened(page)
    assert page.evaluate("picture.splats().then((rows) => rows.length)") == 8 * len(smartsplat.open(data).splats)
