"""Forks, signals, and interpreters that end while others work: in processes of their own, each bounded in time.

What is guarded against hangs or crashes only now and then, so that each case is repeated.
"""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import smartsplat
from smartsplat.coding.container import Container
from smartsplat.coding.format import LATTICE, SPLATS
from smartsplat.coding.lattice_section import write_lattice
from smartsplat.coding.splat_section import write_splats
from tests.codes import make_codes
from tests.lattices import photo_spectrum
from tests.photos import noise

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX")

PRELUDE = """
    import math, os, signal, sys, threading, time
    from concurrent.futures import ThreadPoolExecutor
    import numpy as np
    import smartsplat
    from tests.photos import noise, photo

    file = smartsplat.open("small.ssplat")
    renderer = smartsplat.Renderer(file)

    def render(scale=12):
        return renderer.render(scale=scale, threads=4)

    def encode():
        return smartsplat.encode(noise(), cr=20, effort=1, threads=4)

    expected = render()

    def same():
        return np.array_equal(render(), expected)

    def ended(child):
        # How a child ends: its exit status, or the signal below 0; one that hangs is killed.
        until = time.monotonic() + 20
        while time.monotonic() < until:
            found, status = os.waitpid(child, os.WNOHANG)
            if found:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return "hangs"
"""


def script(*parts):
    return "\n".join(textwrap.dedent(part) for part in parts)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starts processes, in a folder with files for them."""
    folder = tmp_path_factory.mktemp("processes")
    smartsplat.encode(noise(), cr=20, effort=1).save(folder / "small.ssplat")
    width, height = 1360, 900
    sections = {
        SPLATS: write_splats(make_codes(0, 0, width, height), 128, width, height)[0],
        LATTICE: write_lattice(photo_spectrum(width, height), 3500).section,  # half a megabyte
    }
    (folder / "lattice.ssplat").write_bytes(Container(width, height, False, sections).to_bytes())
    root = Path(__file__).parent.parent
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}

    def popen(command):
        return subprocess.Popen(
            [sys.executable, *command], cwd=folder, env=environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    return popen


@pytest.fixture
def run(start):
    def outcome(work, *, prelude=PRELUDE, status=0, error=""):
        """What a process prints, and that it ends so, with that on stderr."""
        with start(["-c", script(prelude, work)]) as process:
            try:
                out, err = process.communicate(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert (process.returncode, err) == (status, error)
        return out

    return outcome


# Forks


CHILDREN = {
    "leaves": "sys.exit(7)",
    "leaves at once": "os._exit(7)",
    "renders and leaves": "sys.exit(7 if same() else 1)",
    "renders and leaves at once": "os._exit(7 if same() else 1)",
    "renders as it leaves": "atexit.register(lambda: render(20)); sys.exit(7)",
    "renders in threads": """
        with ThreadPoolExecutor(4) as pool:
            good = all(np.array_equal(pixels, expected) for pixels in pool.map(lambda _: render(), range(8)))
        sys.exit(7 if good else 1)
    """,
    "leaves while a thread renders": """
        threading.Thread(target=lambda: [render() for _ in range(10**6)], daemon=True).start()
        time.sleep(0.02)
        sys.exit(7)
    """,
    "forks": """
        child = os.fork()
        if child == 0:
            sys.exit(6 if same() else 1)
        sys.exit(7 if ended(child) == 6 and same() else 1)
    """,
}

FORK = """
    import atexit

    def child_of_a_fork():
        child = os.fork()
        if child:
            return child
        try:
            exec({body!r}, globals())
        except SystemExit as leave:
            # As a process that was started with a fork ends, from a frame that is not its first.
            raise
"""


@pytest.mark.parametrize("body", CHILDREN.values(), ids=CHILDREN)
def test_children_after_a_render(run, body):
    """15 of 15 of those that leave hung or crashed once, for the pool's threads do not exist in a child."""
    work = """
        print([ended(child_of_a_fork()) for _ in range(4)], same())
    """
    assert run(script(FORK.format(body=textwrap.dedent(body)), work)) == "[7, 7, 7, 7] True\n"


@pytest.mark.parametrize("body", [CHILDREN["leaves"], CHILDREN["renders and leaves"]], ids=["leaves", "renders"])
def test_children_of_a_process_whose_threads_render(run, body):
    """Whatever state the pool is in at that moment; and while all of them make one renderer's index."""
    work = """
        stop = threading.Event()

        def serve():
            while not stop.is_set():
                smartsplat.Renderer(file).render(region=(3, 4, 40, 30), scale=4, threads=2)

        threads = [threading.Thread(target=serve) for _ in range(3)]
        for thread in threads:
            thread.start()
        ends = [ended(child_of_a_fork()) for _ in range(12)]
        stop.set()
        for thread in threads:
            thread.join()
        print(set(ends), same())
    """
    assert run(script(FORK.format(body=textwrap.dedent(body)), work)) == "{7} True\n"


def test_servers_that_fork_their_workers_beforehand(run):
    """The parent decodes, each worker renders from what it inherits, and serves until it is told to end."""
    work = """
        def serve(requests, answers):
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            while True:
                scale = int(os.read(requests, 1)[0])
                answer = renderer.render(scale=scale).sum(dtype=np.int64)
                os.write(answers, int(answer).to_bytes(8, "little"))

        workers = []
        for _ in range(3):
            (request_end, requests), (answers, answer_end) = os.pipe(), os.pipe()
            child = os.fork()
            if child == 0:
                serve(request_end, answer_end)
            workers.append((child, requests, answers))
        wrong = 0
        for scale in range(1, 13):
            for _, requests, _ in workers:
                os.write(requests, bytes([scale]))
            wanted = renderer.render(scale=scale).sum(dtype=np.int64)
            wrong += sum(int.from_bytes(os.read(answers, 8), "little") != wanted for _, _, answers in workers)
        for child, _, _ in workers:
            os.kill(child, signal.SIGTERM)
        print(wrong, [ended(child) for child, _, _ in workers])
    """
    assert run(work) == "0 [0, 0, 0]\n"


POOL = """
import multiprocessing
import sys

import numpy as np

import smartsplat
from tests.photos import noise


def render(job):
    file, scale = job
    return file.render(scale=scale)


def encode(size):
    return bytes(smartsplat.encode(noise(32, 24), size=size, effort=1, threads=2))


if __name__ == "__main__":
    file, scales, sizes = smartsplat.open("small.ssplat"), (1, 4, 2, 12), (300, 400, 500, 600)
    expected = [file.render(scale=scale) for scale in scales], [encode(size) for size in sizes]
    for _ in range(int(sys.argv[2])):
        with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
            pixels = pool.map(render, [(file, scale) for scale in scales], 1)
            print(all(np.array_equal(a, b) for a, b in zip(pixels, expected[0])), end=" ")
            print(pool.map(encode, sizes, 1) == expected[1], end=" ")
            pool.close()
            pool.join()
"""


@pytest.mark.parametrize(("method", "repeats"), [("fork", 3), ("spawn", 1), ("forkserver", 1)])
def test_pools_of_processes(tmp_path, start, method, repeats):
    path = tmp_path / "pool.py"
    path.write_text(POOL, encoding="utf-8")
    with start([path, method, str(repeats)]) as process:
        out, err = process.communicate(timeout=50)
    assert (process.returncode, out, err) == (0, "True True " * repeats, "")


# Ends


def test_rendering_while_the_interpreter_ends(run):
    """Handlers that were registered before the package was loaded run after its own."""
    early = """
        import atexit
        atexit.register(lambda: print(same(), flush=True))
    """
    late = """
        atexit.register(lambda: print(same(), flush=True))
    """
    for _ in range(3):
        assert run(late, prelude=script(early, PRELUDE)) == "True\nTrue\n"


WORK = {
    "render": "render()",
    "render small": "renderer.render(region=(3, 4, 20, 10), threads=1)",
    "decode": "smartsplat.decode(bytes(file), threads=2)",
    "encode": "encode()",
}


DAEMONS = """
    def daemons():
        def serve():
            while True:
                {work}

        for _ in range(3):
            threading.Thread(target=serve, daemon=True).start()
"""


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
@pytest.mark.parametrize("delay", [0.0, 0.1])
def test_an_interpreter_ends_while_daemons_work(run, work, delay):
    ends = f"""
        daemons()
        time.sleep({delay})
    """
    assert run(script(DAEMONS.format(work=work), ends)) == ""


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_interpreters_of_children_end_while_daemons_work(run, work):
    """They end as any other does; and a child is cheap, so that there can be many."""
    ends = """
        children = []
        for k in range(10):
            child = os.fork()
            if child == 0:
                daemons()
                time.sleep(0.01 * k)
                sys.exit()
            children.append(ended(child))
        print(children)
    """
    assert json.loads(run(script(DAEMONS.format(work=work), ends))) == [0] * 10


def test_an_interpreter_ends_by_an_error_while_daemons_work(run):
    ends = """
        daemons()
        time.sleep(0.05)
        sys.exit("enough")
    """
    assert run(script(DAEMONS.format(work="render()"), ends), status=1, error="enough\n") == ""


def test_threads_that_are_no_daemons_finish_first(run):
    work = """
        def serve():
            time.sleep(0.1)
            print(f"{same()}\\n", end="", flush=True)

        for _ in range(3):
            threading.Thread(target=serve).start()
    """
    assert run(work) == "True\nTrue\nTrue\n"


def test_pools_of_threads(run):
    work = """
        with ThreadPoolExecutor(4) as pool:
            pixels = pool.map(lambda _: render(), range(12))
            files = pool.map(lambda _: bytes(encode()), range(4))
            print(all(np.array_equal(a, expected) for a in pixels), set(files) == {bytes(file)})
        pool = ThreadPoolExecutor(4)  # left to the interpreter's end
        futures = [pool.submit(render) for _ in range(8)]
    """
    assert run(work) == "True True\n"


# Signals


SIGNALS = """
    from smartsplat.model.lattice import Lattice
    from smartsplat.model.splats import Splats
    from tests.conftest import random_splats

    class Stop(Exception):
        pass

    def handler(*_):
        raise Stop

    class Scene:
        # Splats that all cover all of a large picture.
        width = height = 3000
        grey, bits, alpha = False, 8, None

        def check_decodable(self, max_pixels):
            pass

        def decode_splats(self, *, threads=0):
            return random_splats(np.random.default_rng(0), 100_000, 3000, 3000, (900, 1000))

        def decode_blocks(self, *, threads=0, max_work=1.0):
            return None

        def decode_lattice(self, *, threads=0, max_work=1.0):
            return None

    def covered():
        endless = smartsplat.Renderer(Scene())
        return lambda: endless.render(threads=2, max_work=math.inf)

    def near():
        endless = smartsplat.Renderer(Scene())
        return lambda: endless.render(region=(7, 8, 60, 50), threads=1, scale=40, max_work=math.inf)

    def lattice():
        return lambda: smartsplat.open("lattice.ssplat").decode_lattice(threads=1)

    def encoding():
        pixels = photo(600, 400)
        return lambda: smartsplat.encode(pixels, cr=60, effort=2)

    def paper():
        pixels = photo(400, 300)
        encode()  # loads SciPy, which cannot be loaded again after a signal has stopped that
        return lambda: smartsplat.encode(pixels, cr=60, preset="paper", steps=10**6)

    def latency(work, delay):
        # From the moment when a signal is due to the one when its exception is here; None if the work ended before.
        due = time.monotonic() + delay
        signal.setitimer(signal.ITIMER_REAL, delay)
        try:
            work()
        except Stop:
            return time.monotonic() - due
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return None

    def seconds(work):
        # The least of three: one that other work slows down may last longer than those that are interrupted.
        work()  # what is loaded by the first call is not measured
        found = []
        for _ in range(3):
            started = time.monotonic()
            work()
            found.append(time.monotonic() - started)
        return min(found)
"""

CROWD = """
    class Crowd(Scene):
        # One tile with so many splats that signals are noticed in the middle of it.
        width = height = 60

        def decode_splats(self, *, threads=0):
            return random_splats(np.random.default_rng(0), 150_000, 60, 60, (30, 60), 0.01)
"""

WITHIN = 0.5
"""s, for machines that are busy with other things; 0.2 is meant, and 0.1 usual."""


@pytest.mark.parametrize(
    ("work", "delays"),
    [
        ("covered", "(0.05, 0.3, 0.6)"),
        ("near", "(0.05, 0.3, 0.6)"),
        ("lattice", "seconds(work) * np.linspace(0.02, 0.6, 5)"),
        ("encoding", "seconds(work) * np.linspace(0.02, 0.85, 8)"),
        ("paper", "(0.05, 0.3, 0.6, 1.2)"),
    ],
)
def test_signals_end_native_work_at_once(run, work, delays):
    measured = f"""
        import json
        work = {work}()
        signal.signal(signal.SIGALRM, handler)
        found = [latency(work, float(delay)) for delay in {delays}]
        print(json.dumps([found, same() and bytes(encode()) == bytes(file)]))
    """
    found, usable = json.loads(run(script(SIGNALS, measured)))
    caught = [seconds for seconds in found if seconds is not None]
    assert len(caught) >= len(found) - 2  # where the work took less time than before
    assert max(caught) < WITHIN
    assert usable


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signals_of_others(start, name):
    """Without a handler of its own, SIGINT is a KeyboardInterrupt; the process goes on as if nothing had been."""
    work = f"""
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        if "{name}" == "SIGTERM":
            signal.signal(signal.SIGTERM, handler)
        work = covered()
        print("ready", flush=True)
        try:
            work()
        except (Stop, KeyboardInterrupt) as error:
            print(time.monotonic(), type(error).__name__, same(), flush=True)
    """
    with start(["-c", script(PRELUDE, SIGNALS, work)]) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)
        sent = time.monotonic()
        process.send_signal(getattr(signal, name))
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    caught, kind, usable = out.split()
    assert float(caught) - sent < WITHIN
    assert (kind, usable) == ({"SIGINT": "KeyboardInterrupt", "SIGTERM": "Stop"}[name], "True")


@pytest.mark.parametrize("within", ["render(1)", "encode().render()"])
def test_handlers_may_render_and_encode_and_do_not_disturb(run, within):
    """In the middle of whatever the thread that they interrupt is doing."""
    work = f"""
        inner, seen = {within}, []
        signal.signal(signal.SIGALRM, lambda *_: seen.append(np.array_equal({within}, inner)))

        def disturbed(work, least):
            # Each time, a signal comes in the middle, until so many have come.
            until, results, seen[:] = time.monotonic() + 20, [], []
            while len(seen) < least and time.monotonic() < until:
                signal.setitimer(signal.ITIMER_REAL, 0.021)
                results.append(work())
            signal.setitimer(signal.ITIMER_REAL, 0)
            return results

        crowd = smartsplat.Renderer(Crowd())
        crowded = crowd.render()
        print(all(np.array_equal(pixels, crowded) for pixels in disturbed(crowd.render, 4)), all(seen), end=" ")
        print(set(disturbed(lambda: bytes(encode()), 4)) == {{bytes(file)}}, all(seen))
    """
    assert run(script(SIGNALS, CROWD, work)) == "True True True True\n"


def test_threads_besides_the_first_one_are_not_interrupted(run):
    """Python's handlers run in the main thread; work of others goes on."""
    work = """
        signal.signal(signal.SIGALRM, handler)
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(lambda: [render() for _ in range(30)])
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            try:
                time.sleep(20)
            except Stop:
                print("stopped", end=" ")
            print(all(np.array_equal(pixels, expected) for pixels in future.result()))
    """
    assert run(script(SIGNALS, work)) == "stopped True\n"
