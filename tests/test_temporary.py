"""Files on their way to their place: what a kill, a race or a poorer system leaves."""

import errno
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from smartsplat.errors import OutputError
from smartsplat.pictures import temporary
from smartsplat.pictures.files import atomic_write

LEFT = ".smartsplat-0123456789abcdef.part"


def write(path, data=b"new", *, overwrite=False):
    with atomic_write(path, overwrite=overwrite) as file:
        file.write(data)


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def no_nameless(monkeypatch):
    monkeypatch.setattr(temporary, "_nameless", lambda _: None)


def no_way_to_link(monkeypatch):
    monkeypatch.setattr(temporary, "_link_open", lambda *_: False)


def no_links(monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EPERM, "no links here")

    no_nameless(monkeypatch)
    monkeypatch.setattr(os, "link", refuse)


def no_locks(monkeypatch):
    no_nameless(monkeypatch)
    monkeypatch.setattr(temporary, "fcntl", None)


SYSTEMS = [lambda _: None, no_nameless, no_way_to_link, no_links, no_locks]


@pytest.fixture(params=SYSTEMS, ids=["this one", "no nameless", "no way to link", "no links", "no locks"])
def system(request, monkeypatch):
    """Systems with less than this one has."""
    request.param(monkeypatch)


def test_writes_and_replaces_on_every_system(tmp_path, system):
    path = tmp_path / "a.bin"
    write(path, b"first" * 1000)
    assert (names(tmp_path), path.read_bytes()) == (["a.bin"], b"first" * 1000)
    path.chmod(0o600)
    write(path, b"second", overwrite=True)
    assert (names(tmp_path), path.read_bytes()) == (["a.bin"], b"second")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_failure_leaves_nothing_on_every_system(tmp_path, system):
    with pytest.raises(KeyboardInterrupt), atomic_write(tmp_path / "a.bin", overwrite=False) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_that_comes_after_the_last_check(tmp_path, monkeypatch, system, overwrite):
    """Without -f it is kept even if it comes between check and renaming; with -f it is replaced."""
    path, put = tmp_path / "a.bin", temporary.Temporary.put

    def late(self, destination, *, mode):
        if not path.exists():
            path.write_bytes(b"of another process")
        put(self, destination, mode=mode)

    monkeypatch.setattr(temporary.Temporary, "put", late)
    if overwrite:
        write(path, overwrite=True)
    else:
        with pytest.raises(OutputError, match="exists"):
            write(path)
    assert (names(tmp_path), path.read_bytes()) == (["a.bin"], b"new" if overwrite else b"of another process")


def test_a_link_to_nowhere_that_comes_meanwhile_is_an_error(tmp_path):
    with (
        pytest.raises(OutputError, match=r"a\.bin"),
        atomic_write(tmp_path / "a.bin", overwrite=True) as file,
    ):
        file.write(b"new")
        (tmp_path / "a.bin").symlink_to(tmp_path / "nowhere")
    assert names(tmp_path) == ["a.bin"]


def test_what_dead_processes_left_is_removed_and_nothing_else(tmp_path, system):
    (tmp_path / LEFT).write_bytes(b"half")
    others = [".smartsplat-x.part", f"{LEFT}.png", f"my{LEFT}"]
    for name in others:
        (tmp_path / name).write_bytes(b"somebody's")
    write(tmp_path / "a.bin")
    assert names(tmp_path) == sorted(["a.bin", *others])


def test_what_looks_like_it_but_is_no_file_is_kept(tmp_path):
    (tmp_path / LEFT).mkdir()
    (tmp_path / LEFT.replace("0", "1")).symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / LEFT.replace("0", "2"))
    write(tmp_path / "a.bin")
    assert (tmp_path / LEFT).is_dir()
    assert (tmp_path / LEFT.replace("0", "1")).is_symlink()


def test_another_that_is_being_written_is_kept(tmp_path, monkeypatch):
    no_nameless(monkeypatch)
    with atomic_write(tmp_path / "a.bin", overwrite=False) as file:
        file.write(b"first")
        write(tmp_path / "b.bin", b"second")
    assert names(tmp_path) == ["a.bin", "b.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"first"


def test_one_that_is_swept_before_it_is_locked_is_made_anew(tmp_path, monkeypatch):
    no_nameless(monkeypatch)
    lock, sweeps = temporary._lock, []

    def late(descriptor, *, otherwise):
        if otherwise and not sweeps:
            sweeps.append(temporary._sweep(tmp_path))
        return lock(descriptor, otherwise=otherwise)

    monkeypatch.setattr(temporary, "_lock", late)
    write(tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    assert sweeps


KILLED = """
    import os, sys
    from smartsplat.pictures import temporary
    from smartsplat.pictures.files import atomic_write
    if sys.argv[2] == "named":
        temporary._nameless = lambda _: None
    with atomic_write(sys.argv[1], overwrite=True) as file:
        file.write(bytes(100_000))
        file.flush()
        os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("kind", ["nameless", "named"])
def test_a_killed_process_leaves_nothing_for_long(tmp_path, kind):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(path), kind]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    if kind == "nameless" and temporary._nameless(tmp_path):
        assert names(tmp_path) == ["a.bin"]
    write(tmp_path / "b.bin")
    assert names(tmp_path) == ["a.bin", "b.bin"]


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="the system has no nameless files")
def test_nothing_has_a_name_while_it_is_written(tmp_path):
    if temporary._nameless(tmp_path) is None:
        pytest.skip("nor has this file system")
    with atomic_write(tmp_path / "a.bin", overwrite=False) as file:
        file.write(b"new")
        assert names(tmp_path) == []
    assert names(tmp_path) == ["a.bin"]
