"""The server in several processes, each with a socket of its own where the system deals connections out among them."""

from __future__ import annotations

import logging
import multiprocessing
import os
import socket
import sys
import time
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from threading import Thread
from typing import Any

import uvicorn

from smartsplat.serving.app import Limits, make_app

SPREADS = sys.platform == "linux"
"""Whether the system deals connections out among the sockets of a port; elsewhere one of them may get them all."""

SHORT = 10.0
"""Seconds; a process that ends sooner is not replaced: the next one would end as well."""

_SPAWN = multiprocessing.get_context("spawn")  # a fork would have the threads' locks, but not the threads


class ProcessEndedError(RuntimeError):
    """A process of the server has ended soon after its start."""


def serve(folder: Path, limits: Limits, settings: dict[str, Any], processes: int) -> None:
    """Serves until an exception comes, as of a signal; then ends all processes. One that ends by itself is replaced.

    If processes take connections from one socket, whichever is awake takes all that wait, and others stand idle.

    Args:
        folder: as of ``make_app``.
        limits: for each process.
        settings: of ``uvicorn.Config``, with ``host`` and ``port``.
        processes: at least 1.

    Raises:
        OSError: the address cannot be listened at.
        ProcessEndedError: processes do not last.
    """
    # The first socket keeps the port; as it does not listen it gets nothing.
    with bound(settings["host"], settings["port"], shared=SPREADS) as first:
        running: dict[SpawnProcess, float] = {}
        try:
            while True:
                while len(running) < processes:
                    running[_start(folder, limits, settings, first)] = time.monotonic()
                wait([process.sentinel for process in running])
                for process in [process for process in running if not process.is_alive()]:
                    if time.monotonic() - running.pop(process) < SHORT:
                        raise ProcessEndedError("a process of the server has ended soon after its start")
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.join()


def _start(folder: Path, limits: Limits, settings: dict[str, Any], first: socket.socket) -> SpawnProcess:
    own = bound(*first.getsockname()[:2], shared=True) if SPREADS else first
    process = _SPAWN.Process(target=_work, args=(folder, limits, settings, own), daemon=True)
    process.start()
    if SPREADS:
        own.close()  # or connections would go to it when the process has ended
    return process


def bound(host: str, port: int, *, shared: bool) -> socket.socket:
    """A socket at an address.

    Args:
        host: name or number.
        port: 0 for any that is free.
        shared: whether others may be bound to it that are shared as well.

    Raises:
        OSError: it cannot be listened at.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    made = socket.socket(family, kind, protocol)
    try:
        if family == socket.AF_INET6:  # as uvicorn does
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if os.name == "posix":  # elsewhere it would take a port that is in use; here one that was until now
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def _work(folder: Path, limits: Limits, settings: dict[str, Any], own: socket.socket) -> None:
    """Serves, in a process of its own, until a signal comes or the process that started it has ended."""
    server = uvicorn.Server(uvicorn.Config(make_app(folder, limits), **settings))
    host, port = own.getsockname()[:2]  # uvicorn says it only of a socket that it has made itself
    logging.getLogger("uvicorn.error").info("Listening at http://%s:%d", f"[{host}]" if ":" in host else host, port)
    Thread(target=_leave_with_parent, args=(server,), daemon=True).start()
    with suppress(KeyboardInterrupt):  # the parent has it as well
        server.run(sockets=[own])


def _leave_with_parent(server: uvicorn.Server) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    server.should_exit = True
