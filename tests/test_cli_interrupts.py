"""The command line when it is interrupted: what was there stays, and no traceback is seen."""

import itertools
import signal

import pytest
from PIL import Image

from tests.commands import assert_fails, interrupted, names
from tests.photos import photo

START = """
    from smartsplat.cli import main
    main()
"""

DURING_THE_FIT = """
    import smartsplat.pipeline.stages as stages
    fit = stages.fit
    def slow_fit(*arguments, **options):
        print("busy", flush=True)
        return fit(*arguments, **options)
    stages.fit = slow_fit
"""

DURING_THE_WRITING = """
    import time
    import smartsplat.pictures.files as files
    def slow(_):
        print("busy", flush=True)
        time.sleep(60)
    files.os.fsync = slow
"""


@pytest.mark.parametrize("old", [None, b"precious"], ids=["new", "existing"])
@pytest.mark.parametrize("when", [DURING_THE_FIT, DURING_THE_WRITING], ids=["fit", "writing"])
@pytest.mark.parametrize(("which", "word"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")])
def test_an_interrupted_encoding_leaves_everything_as_it_was(folder, which, word, when, old):
    if old:
        (folder / "b.ssplat").write_bytes(old)
    before = names(folder)
    Image.fromarray(photo(600, 500)).save("large.png")
    effort = "9" if when is DURING_THE_FIT else "1"
    arguments = "encode", "large.png", "b.ssplat", "-f", "-e", effort, "--cr", "300"
    code, _, err = interrupted(which, when + START, *arguments)
    assert_fails((code, "", err), word, status=130 if which == signal.SIGINT else 143)
    assert names(folder) == sorted([*before, "large.png"])
    if old:
        assert (folder / "b.ssplat").read_bytes() == old


AN_ERROR_IN_ITS_PLACE = """
    import time
    import smartsplat.api as api
    def turned(*_, **__):
        print("busy", flush=True)
        try:
            time.sleep(60)
        except BaseException as error:
            raise ImportError("it came while NumPy was loaded") from error
    api.encode = turned
"""


@pytest.mark.parametrize(("which", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_that_a_library_makes_an_error_of_is_still_one(folder, which, status):
    code, _, err = interrupted(which, AN_ERROR_IN_ITS_PLACE + START, "encode", "a.png", "b.ssplat")
    assert_fails((code, "", err), status=status)


def test_handlers_are_as_before_afterwards(folder, run):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    run("info", "a.ssplat")
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


DURING_AN_IMPORT = """
    import runpy, sys, time
    slow = sys.argv.pop(1)
    class Slow:
        def find_spec(name, path=None, target=None):
            if name == slow:
                print("busy", flush=True)
                try:
                    for _ in range(600):  # a signal just before a long sleep would be seen after it
                        time.sleep(0.1)
                except BaseException as error:
                    if name.startswith("smartsplat.cli") and name.count(".") == 1:
                        raise
                    raise RuntimeError("Error calling __set_name__") from error  # as Python has it within classes
    sys.meta_path.insert(0, Slow)
    runpy.run_module("smartsplat", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("slow", "which"),
    [
        ("smartsplat.cli", signal.SIGINT),
        *itertools.product(
            ["smartsplat.cli.process", "argparse", "smartsplat.errors", "smartsplat.api", "numpy", "scipy.spatial"],
            [signal.SIGINT, signal.SIGTERM],
        ),
    ],
)
def test_a_signal_during_the_start_shows_no_traceback(folder, slow, which):
    code, out, err = interrupted(which, DURING_AN_IMPORT, slow, "encode", "a.png", "b.ssplat")
    assert (code, out) == (128 + which, "")
    word = "interrupted" if which == signal.SIGINT else "terminated"
    assert err == ("" if slow == "smartsplat.cli" else f"smartsplat: {word}\n")
    assert names(folder) == ["a.png", "a.ssplat"]
