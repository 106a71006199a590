"""Long calls: they run in a thread of their own, without Python's lock, while
the calling thread shows progress and can be interrupted."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from quire import _core
from quire._errors import CancelledError

Result = TypeVar("Result")
# What callers may pass: True for a bar of tqdm, if that is installed, or a
# function of the bytes that are done and of all. It may return False, which
# cancels the call.
Progress = bool | Callable[[int, int], Any] | None
_Show = Callable[[int, int], Any]

# Seconds between looks at a call that goes on. Its end is seen at once.
PERIOD = 0.05


@contextlib.contextmanager
def _shown(progress: Progress, title: str) -> Iterator[_Show | None]:
    """The function that shows progress, or None."""
    if callable(progress):
        yield progress
        return
    try:
        if not progress:
            raise ImportError
        from tqdm.auto import tqdm
    except ImportError:
        yield None
        return
    with tqdm(desc=title, unit="B", unit_scale=True, leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


def _wait(thread: threading.Thread) -> None:
    """Waits for the end of the thread, whatever the user presses."""
    while thread.is_alive():
        with contextlib.suppress(KeyboardInterrupt):
            thread.join()


def _watch(thread: threading.Thread, job: _core.Job, show: _Show | None) -> None:
    shown = -1
    while thread.is_alive():
        thread.join(PERIOD)
        if show is None or job.total == 0 or job.done == shown:
            continue
        shown = job.done
        if show(shown, job.total) is False:
            raise CancelledError("cancelled", "the progress function stopped it")


def run(
    call: Callable[[_core.Job], Result],
    progress: Progress = None,
    title: str = "",
) -> Result:
    """Returns call(job), or raises what it raises. On an exception in this
    thread, such as KeyboardInterrupt, the call is cancelled, and has ended
    before the exception goes on."""
    job = _core.Job()
    results: list[Result] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(call(job))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, name=f"quire {title}", daemon=True)
    with _shown(progress, title) as show:
        try:
            thread.start()
            _watch(thread, job, show)
        except BaseException:
            job.cancel()
            _wait(thread)
            raise
    if errors:
        error = errors.pop()
        damaged = tuple(job.damaged)
        if damaged:
            error.damaged = damaged  # type: ignore[attr-defined]
        try:
            raise error
        finally:
            del error
    return results[0]
