"""Checkpoints from the net, fetched in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pof3d.download import DownloadCancelled, LargeDownload, download, parse_address
from pof3d.errors import Pof3dError
from pof3d.text import format_bytes
from viz.panel import DownloadQuestion, LoadingState


class Fetch(Protocol):
    """Fetches a file, as :func:`pof3d.download.download` does."""

    def __call__(
        self,
        url: str,
        *,
        progress: Callable[[int, int | None], None],
        cancelled: Callable[[], bool],
        allow_large: bool,
    ) -> Path:
        """See there."""


@dataclass(frozen=True)
class Fetched:
    """How a download ended."""

    url: str
    path: Path | None = None
    """The complete file."""
    error: Pof3dError | None = None
    question: DownloadQuestion | None = None
    """The file is large: whether to go on."""


class Fetching:
    """One download at a time; a new one takes the place of the one before.

    Parameters
    ----------
    wake : callable, optional
        Called from the thread when there is something new.
    fetch : callable
        What fetches.
    """

    def __init__(self, wake: Callable[[], None] | None = None, fetch: Fetch = download) -> None:
        self._wake = wake or (lambda: None)
        self._fetch = fetch
        self._lock = threading.Lock()
        self._token: object = None
        self._loading: LoadingState | None = None
        self._ended: Fetched | None = None

    @property
    def loading(self) -> LoadingState | None:
        """The download under way."""
        with self._lock:
            return self._loading

    def start(self, url: str, *, allow_large: bool = False) -> None:
        """Begin a download."""
        try:
            name = parse_address(url).name
        except Pof3dError as error:
            with self._lock:
                self._token, self._loading, self._ended = None, None, Fetched(url, error=error)
            self._wake()
            return
        token = object()
        with self._lock:
            self._token, self._ended = token, None
            self._loading = LoadingState(Path(name), 0.0, "Connecting")
        # A daemon: a server that does not answer must not keep the program from ending.
        threading.Thread(target=self._run, args=(url, token, allow_large), name="fetch", daemon=True).start()

    def cancel(self) -> None:
        """Stop; what has arrived is kept for another time."""
        with self._lock:
            self._token, self._loading = None, None

    def poll(self) -> Fetched | None:
        """How the last download ended, once."""
        with self._lock:
            ended, self._ended = self._ended, None
            return ended

    def _run(self, url: str, token: object, allow_large: bool) -> None:
        def report(done: int, total: int | None) -> None:
            with self._lock:
                if self._token is token and self._loading is not None:
                    amount = f"{format_bytes(done)} of {format_bytes(total)}" if total else format_bytes(done)
                    fraction = done / total if total else 0.0
                    self._loading = LoadingState(self._loading.path, fraction, f"Downloading {amount}")
            self._wake()

        try:
            path = self._fetch(
                url, progress=report, cancelled=lambda: self._token is not token, allow_large=allow_large
            )
            ended = Fetched(url, path)
        except DownloadCancelled:
            return
        except LargeDownload as error:
            ended = Fetched(url, question=DownloadQuestion(url, error.name, error.size, error.at_least))
        except Pof3dError as error:
            ended = Fetched(url, error=error.detached())
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            ended = Fetched(url, error=Pof3dError(f"{url} could not be fetched", why))
        with self._lock:
            if self._token is not token:
                return
            self._token, self._loading, self._ended = None, None, ended
        self._wake()
