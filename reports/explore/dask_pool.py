"""A pool of Dask workers: processes of this machine, or a cluster behind a scheduler's address."""

import logging
import math
import time
import warnings
from typing import Any

from distributed import Client, Future, KilledWorker, LocalCluster, as_completed

from reports.explore.pool import Finished, Task
from sparsespike.contract.errors import ContractError

_PATIENCE_SECONDS = 60
_COUNT_SECONDS = 1.0
"""Workers are counted again after so long: they come and go."""


class DaskPool:
    """Tasks on Dask workers; a worker that dies costs its task a second try, and no other task."""

    def __init__(self, *, workers: int | None = None, scheduler: str | None = None) -> None:
        """Starts `workers` local processes (None: one a core), or joins `scheduler`.

        ContractError if nobody answers at the scheduler's address.
        """
        self._cluster: LocalCluster | None = None
        if scheduler is None:
            self._cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",  # a free port: explorations run side by side
                memory_limit=0,
                silence_logs=logging.ERROR,
            )
            self._client = Client(self._cluster)
        else:
            self._client = _join(scheduler)
        self._shared: dict[str, Future] = {}
        self._running = as_completed(with_results=True, raise_errors=False)
        self._processes: list[str] = []
        self._asked = -math.inf

    def slots(self) -> int:
        """Threads of all workers: each has its own processor core."""
        if time.monotonic() - self._asked > _COUNT_SECONDS:
            self._asked = time.monotonic()
            threads: dict[str, int] = self._client.nthreads()
            self._processes = [name for name in sorted(threads) for _ in range(threads[name])]
        return max(1, len(self._processes))

    def submit(self, task: Task, home: int) -> None:
        """Sends the task to the scheduler."""
        shared = task.shared
        if shared.hash not in self._shared:
            # Not scattered: what a task returns is made again when its worker dies.
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Sending large graph")
                self._shared[shared.hash] = self._client.submit(
                    _same, shared.value, key=f"shared-{shared.hash}"
                )
        future = self._client.submit(
            task.function,
            self._shared[shared.hash],
            *task.arguments,
            key=task.key,
            pure=False,
            workers=self._processes[home : home + 1] or None,
            allow_other_workers=True,
        )
        self._running.add(future)

    def finished(self) -> Finished:
        """The next task that is done, in whatever order."""
        future, result = next(self._running)
        if future.status == "finished":
            return Finished(future.key, result)
        error = future.exception() if future.status == "error" else None
        if error is None or isinstance(error, KilledWorker):
            return Finished(future.key, None, lost=True)
        raise error

    def close(self) -> None:
        """Ends the local processes, or leaves the cluster."""
        self._running.clear()
        self._shared.clear()
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


def _same(value: Any) -> Any:
    return value


def _join(address: str) -> Client:
    try:
        client = Client(address, timeout=_PATIENCE_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ContractError(
            f"--scheduler {address}: no Dask scheduler answers ({reason}): check the address, "
            "such as tcp://host:8786"
        ) from None
    try:
        client.wait_for_workers(1, timeout=_PATIENCE_SECONDS)
    except TimeoutError:
        client.close()
        raise ContractError(
            f"--scheduler {address}: has no workers after {_PATIENCE_SECONDS} s: "
            "check that they started"
        ) from None
    return client
