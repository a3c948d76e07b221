"""Running the command line, and what it answers."""

import json
import signal
import subprocess
import sys
import textwrap

import pytest


def start(*arguments, **options):
    """The command in a process of its own."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    return subprocess.Popen([sys.executable, "-m", "smartsplat", *map(str, arguments)], **options)


def finish(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def interrupted(which, script, *arguments):
    """What Python's script answers: status, stdout and stderr, after a signal once it says that it is busy."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job ignores it
    )  # fmt: skip
    assert process.stdout.readline() == "busy\n"
    process.send_signal(which)
    return finish(process)


def assert_fails(result, *words, status=1):
    """One line on stderr that has these words, nothing on stdout."""
    code, out, err = result
    assert (code, out) == (status, "")
    assert err.startswith("smartsplat: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    for word in words:
        assert str(word) in err


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def parsed(result):
    """The one object that a command prints with --json."""
    code, out, err = result
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    return json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
