"""Output files that appear whole or not at all."""

import errno
import os
import resource
import signal
import subprocess
import sys
import textwrap

import pytest

from smartsplat.errors import OutputError, SmartSplatError
from smartsplat.pictures.files import atomic_write, check_output, make_folder, open_input


def write(path, data=b"new", *, overwrite=False):
    with atomic_write(path, overwrite=overwrite) as file:
        file.write(data)


def assert_only(folder, **contents):
    """The folder holds these files and nothing else, not even hidden."""
    assert {p.name.replace(".", "_"): p.read_bytes() for p in folder.iterdir()} == contents


def assert_refused(path, *, overwrite=False, match=""):
    """Both the early check and the writing itself refuse with one line that names the path."""
    for attempt in (check_output, write):
        with pytest.raises(OutputError, match=match) as caught:
            attempt(path, overwrite=overwrite)
        assert isinstance(caught.value, SmartSplatError)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_writes_a_new_file(tmp_path):
    check_output(tmp_path / "a.bin", overwrite=False)
    assert_only(tmp_path)
    write(tmp_path / "a.bin")
    assert_only(tmp_path, a_bin=b"new")


def test_takes_strings_and_relative_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("a.bin")
    assert_only(tmp_path, a_bin=b"new")


def test_new_files_get_the_usual_permissions(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    write(tmp_path / "a.bin")
    assert (tmp_path / "a.bin").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_replaces_only_when_asked_and_keeps_permissions(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    path.chmod(0o640)
    assert_refused(path, match="exists")
    assert_only(tmp_path, a_bin=b"old")
    write(path, overwrite=True)
    assert_only(tmp_path, a_bin=b"new")
    assert path.stat().st_mode & 0o777 == 0o640


def test_the_old_file_stays_until_the_end(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with atomic_write(path, overwrite=True) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError, MemoryError])
@pytest.mark.parametrize("old", [{}, {"a_bin": b"old"}])
def test_a_failure_leaves_everything_as_it_was(tmp_path, error, old):
    if old:
        (tmp_path / "a.bin").write_bytes(b"old")
    with pytest.raises(error), atomic_write(tmp_path / "a.bin", overwrite=True) as file:
        file.write(b"half")
        raise error
    assert_only(tmp_path, **old)


def test_an_interrupted_process_leaves_everything_as_it_was(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"old")
    script = """
        import signal, sys, time
        from smartsplat.pictures.files import atomic_write
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        with atomic_write(sys.argv[1], overwrite=True) as file:
            file.write(bytes(100_000))
            print("writing", flush=True)
            time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "a.bin")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) != 0
    assert_only(tmp_path, a_bin=b"old")


def test_a_full_disk_is_one_line_and_leaves_everything_as_it_was(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with (
        pytest.raises(OutputError, match=r"a\.bin.*No space left"),
        atomic_write(path, overwrite=True) as file,
    ):
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert_only(tmp_path, a_bin=b"old")


def test_a_write_that_the_system_stops_is_one_line(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OutputError, match=r"a\.bin"):
            write(tmp_path / "a.bin", bytes(5000))
        with pytest.raises(OutputError, match=r"b\.bin"):
            write(tmp_path / "b.bin", bytes(1_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_only(tmp_path)


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path):
    path = tmp_path / "a.bin"
    with pytest.raises(OutputError, match="exists"), atomic_write(path, overwrite=False) as file:
        file.write(b"new")
        path.write_bytes(b"of another process")
    assert_only(tmp_path, a_bin=b"of another process")


def test_refuses_a_missing_folder(tmp_path):
    assert_refused(tmp_path / "missing" / "a.bin", match="no folder")
    (tmp_path / "file").write_bytes(b"")
    assert_refused(tmp_path / "file" / "a.bin", match="no folder")


def test_makes_folders(tmp_path):
    for _ in range(2):  # the second time they are there
        make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_bytes(b"kept")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match=r"file.*: (is not a folder|cannot be made)"):
            make_folder(path)
    assert_only(tmp_path, file=b"kept")


@pytest.mark.parametrize("overwrite", [False, True])
def test_refuses_a_folder(tmp_path, overwrite):
    assert_refused(tmp_path, overwrite=overwrite, match="folder")
    assert_refused("", overwrite=overwrite, match="folder")


@pytest.mark.parametrize("end", ["/", "//", "/.", "/.."])
def test_refuses_a_name_that_only_folders_have(tmp_path, end):
    for name in ("new", "old"):
        (tmp_path / "old").mkdir(exist_ok=True)
        assert_refused(f"{tmp_path / name}{end}", overwrite=True, match="folder")
    assert [p.name for p in tmp_path.iterdir()] == ["old"]


def test_refuses_a_name_that_is_too_long(tmp_path):
    assert_refused(tmp_path / ("a" * 300), match="too long")


@pytest.mark.parametrize("name", ["a\0b.bin", "\ud800.bin"])
def test_refuses_a_name_that_no_file_can_have(tmp_path, name):
    for attempt in (check_output, write):
        with pytest.raises(OutputError, match="cannot be written") as caught:
            attempt(tmp_path / name, overwrite=True)
        assert str(caught.value).isprintable()
    with pytest.raises(OSError, match=r"null byte|surrogates") as caught:
        open_input(tmp_path / name)
    assert caught.value.errno == errno.EINVAL


def test_odd_names_make_no_odd_lines(tmp_path):
    for name in ("a\nb", "a\x1b[31m", os.fsdecode(b"\xff")):
        write(tmp_path / name)
        for attempt in (check_output, write):
            with pytest.raises(OutputError, match="exists") as caught:
                attempt(tmp_path / name, overwrite=False)
            assert str(caught.value).isprintable()


def test_errors_are_said_once(tmp_path):
    """An OutputError is an OSError, too; the name stands before it only once."""
    with pytest.raises(OutputError) as caught:
        write(tmp_path)
    assert str(caught.value) == f"{tmp_path}: is a folder, not a file"
    with pytest.raises(OutputError) as caught, atomic_write(tmp_path / "a.bin", overwrite=False):
        raise OutputError("said already")
    assert str(caught.value) == "said already"


def test_takes_the_longest_name(tmp_path):
    write(tmp_path / ("a" * 255))
    assert len(list(tmp_path.iterdir())) == 1


def test_refuses_a_device(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert_refused(tmp_path / "pipe", overwrite=True, match="not a file")
    assert_refused("/dev/null", overwrite=True, match="not a file")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_refuses_a_folder_that_is_read_only(tmp_path):
    tmp_path.chmod(0o500)
    assert_refused(tmp_path / "a.bin", match="cannot be written")
    tmp_path.chmod(0o700)


def test_refuses_a_folder_that_the_system_calls_read_only(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert_refused(tmp_path / "a.bin", match="cannot be written")


def test_follows_links(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "a.bin")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert_only(tmp_path / "folder", a_bin=b"new")
    assert_refused(tmp_path / "link", match="exists")
    write(tmp_path / "link", b"newer", overwrite=True)
    assert_only(tmp_path / "folder", a_bin=b"newer")
