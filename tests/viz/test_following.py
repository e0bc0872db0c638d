"""Following a run: which snapshot is shown when. What is in its folder is made up, time is told."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from pof3d.errors import CheckpointError
from tests.viz.run_folders import RunFolder, StandInWatching, listing, name_of, record, snapshot
from viz.following import REST_SECONDS, FollowedRun, RunWatcher
from viz.panel import LoadingState
from viz.runs import RunListing

FOLDER = Path("/runs/cats")
FRAME = 1 / 60


class Followed:
    """A run, and what is asked to be opened."""

    def __init__(self, *found: RunListing) -> None:
        self.watching = StandInWatching(*found)
        self.run = FollowedRun(FOLDER, self.watching, clock=lambda: 1100.0)
        self.opened: list[str] = []

    def frames(self, seconds: float = FRAME, *, calm: bool = True) -> list[str]:
        """Let time go by; the networks opened meanwhile."""
        before = len(self.opened)
        for _ in range(max(1, round(seconds / FRAME))):
            path = self.run.update(FRAME, calm=calm)
            if path is not None:
                assert path.parent == FOLDER
                self.opened.append(path.name)
        return self.opened[before:]

    def find(self, *found: RunListing) -> list[str]:
        """Let the watcher find something, one after the other."""
        self.watching.found += found
        return self.frames(len(found) * FRAME)

    @property
    def message(self) -> str:
        return self.run.state(None).message


@pytest.fixture
def three() -> Followed:
    recorded = [snapshot(kimg, recorded=record(kimg)) for kimg in (4, 8, 12)]
    followed = Followed(listing(*recorded))
    assert followed.frames() == [name_of(12)]
    return followed


def test_each_snapshot_is_opened_once_as_it_lands() -> None:
    followed = Followed(listing())
    assert followed.frames() == []
    assert followed.message == "Waiting for the first snapshot."
    assert followed.find(listing(snapshot(4))) == [name_of(4)]
    assert followed.frames(5.0) == []
    assert followed.find(listing(snapshot(4), snapshot(8))) == [name_of(8)]
    state = followed.run.state(None)
    assert state.chosen == 1
    assert state.age == pytest.approx(1100.0 - 1008.0)
    assert state.message == ""


def test_before_the_folder_was_read_it_says_so() -> None:
    followed = Followed()
    followed.frames()
    assert followed.message == "Reading the folder …"
    assert followed.run.chosen is None


def test_a_snapshot_waits_for_a_calm_moment(three: Followed) -> None:
    three.watching.found.append(listing(*(snapshot(kimg) for kimg in (4, 8, 12, 16))))
    assert three.frames(1.0, calm=False) == []
    assert three.run.moving
    assert three.frames() == [name_of(16)]
    assert not three.run.moving


def test_the_slider_shows_the_record_at_once_and_opens_the_network_at_rest(three: Followed) -> None:
    for index in (1, 0):
        three.run.choose(index)
        assert three.frames(REST_SECONDS / 2) == []
    histogram = three.run.histogram
    assert histogram is not None
    assert "4,000 images" in histogram.note
    assert not three.run.following
    assert three.run.moving
    assert three.frames(REST_SECONDS) == [name_of(4)]
    three.frames(1.0)
    assert not three.run.moving


def test_while_not_following_new_snapshots_change_nothing(three: Followed) -> None:
    three.run.choose(0)
    three.frames(1.0)
    assert three.find(listing(*(snapshot(kimg, recorded=record(kimg)) for kimg in (4, 8, 12, 16)))) == []
    assert three.run.chosen is not None
    assert three.run.chosen.network == name_of(4)
    three.run.follow(True)
    assert three.frames() == [name_of(16)]


def test_a_network_written_anew_is_opened_again(three: Followed) -> None:
    again = listing(snapshot(4), snapshot(8), snapshot(12, modified=2000.0))
    assert three.find(again) == [name_of(12)]
    assert three.frames(2.0) == []


def test_what_lands_last_counts_though_an_earlier_training_went_further(three: Followed) -> None:
    assert three.find(listing(*(snapshot(kimg) for kimg in (4, 8, 12)), snapshot(2, modified=2000.0))) == [
        name_of(2)
    ]


def test_a_half_written_network_is_waited_for(three: Followed) -> None:
    before = [snapshot(kimg) for kimg in (4, 8, 12)]
    assert three.find(listing(*before, snapshot(16, "unreadable"))) == []
    assert three.message == ""
    assert three.find(listing(*before, snapshot(16, modified=1017.0))) == [name_of(16)]


def test_a_chosen_network_that_becomes_whole_is_opened() -> None:
    followed = Followed(listing(snapshot(4, "unreadable"), snapshot(8)))
    followed.frames()
    followed.run.choose(0)
    assert followed.frames(1.0) == []
    assert "still being written" in followed.message
    assert followed.find(listing(snapshot(4), snapshot(8))) == [name_of(4)]


def test_a_snapshot_without_a_network_shows_its_record(three: Followed) -> None:
    three.find(listing(snapshot(4, "gone", recorded=record(4)), snapshot(8), snapshot(12)))
    three.run.choose(0)
    assert three.frames(1.0) == []
    assert "gone" in three.message
    assert not three.run.state(None).alarming
    histogram = three.run.histogram
    assert histogram is not None
    assert "4,000 images" in histogram.note


def test_a_record_may_come_after_its_network(three: Followed) -> None:
    before = [snapshot(kimg, recorded=record(kimg)) for kimg in (4, 8, 12)]

    def noted() -> str:
        return three.run.histogram.note if three.run.histogram is not None else "sampled"

    assert three.find(listing(*before, snapshot(16, modified=1099.0))) == [name_of(16)]
    notes = [noted()]
    three.find(listing(*before, snapshot(16, modified=1099.0, recorded=record(16))))
    notes.append(noted())
    # One that landed long ago without a record will not get one.
    three.find(listing(*before, snapshot(20, modified=1020.0)))
    notes.append(noted())
    assert notes == ["recorded at 12,000 images", "recorded at 16,000 images", "sampled"]


def test_a_network_that_does_not_open_is_not_tried_again_until_it_changes(three: Followed) -> None:
    path = str(FOLDER / name_of(12))
    three.run.failed(path, CheckpointError("cannot open it", "it is damaged"))
    assert "it is damaged" in three.message
    assert three.run.state(None).alarming
    three.run.follow(True)
    assert three.frames(1.0) == []
    changed = listing(snapshot(4), snapshot(8), snapshot(12, modified=2000.0))
    assert three.find(changed) == [name_of(12)]
    assert three.message == ""


def test_the_newest_may_be_removed(three: Followed) -> None:
    three.find(listing(snapshot(4), snapshot(8)))
    assert three.run.chosen is not None
    assert three.run.chosen.network == name_of(8)


def test_a_folder_without_a_run_is_refused() -> None:
    error = CheckpointError("photos is not a training run")
    followed = Followed(RunListing(FOLDER, error=error))
    assert followed.frames() == []
    assert followed.run.refusal is error


def test_a_run_whose_folder_goes_away_keeps_what_is_known(three: Followed) -> None:
    error = CheckpointError("cannot follow cats", "there is no folder /runs/cats")
    assert three.find(RunListing(FOLDER, error=error)) == []
    state = three.run.state(None)
    assert state.message == "Cannot follow cats: there is no folder /runs/cats. The last picture stays."
    assert state.alarming
    assert three.run.refusal is None
    assert three.run.histogram is not None
    back = listing(*(snapshot(kimg) for kimg in (4, 8, 12, 16)))
    assert three.find(back) == [name_of(16)]
    assert three.message == ""


def test_going_elsewhere_ends_the_following(three: Followed) -> None:
    seen = []
    for path in (FOLDER / name_of(12), FOLDER / name_of(4), "/nets/other.safetensors"):
        three.run.went_to(str(path))
        state = three.run.state(None)
        seen.append((state.following, state.chosen))
    # The first is where it was already.
    assert seen == [(True, 2), (False, 0), (False, None)]
    assert three.run.histogram is not None
    assert three.frames(1.0) == []
    assert three.run.histogram is None


def test_what_is_damaged_in_the_record_is_told() -> None:
    followed = Followed(RunListing(FOLDER, (snapshot(4),), problem="cannot read statistics.jsonl: line 2"))
    assert followed.frames() == [name_of(4)]
    state = followed.run.state(None)
    assert (state.message, state.alarming) == ("cannot read statistics.jsonl: line 2", True)


def test_only_its_own_networks_count_as_loading(three: Followed) -> None:
    own = LoadingState(FOLDER / name_of(4), 0.5, "reading")
    assert three.run.state(own).loading is own
    assert three.run.state(LoadingState(Path("/nets/a.pkl"), 0.5, "reading")).loading is None


def test_an_index_beyond_the_end_is_ignored(three: Followed) -> None:
    three.run.choose(3)
    three.run.choose(-1)
    assert three.run.following


# ------------------------------------------------------------------------------------------ the thread
def next_listing(watcher: RunWatcher) -> RunListing:
    deadline = time.monotonic() + 10.0
    while (found := watcher.poll()) is None:
        assert time.monotonic() < deadline, "nothing was found"
        time.sleep(0.005)
    return found


def test_the_watcher_tells_of_changes_and_of_nothing_else(tmp_path: Path) -> None:
    run, woken = RunFolder(tmp_path / "cats"), threading.Semaphore(0)
    watcher = RunWatcher(run.path, woken.release, seconds=0.01)
    try:
        assert next_listing(watcher).snapshots == ()
        run.land(4, record(4))
        seen = next_listing(watcher)
        assert [one.network for one in seen.snapshots] == [name_of(4)]
        time.sleep(0.1)
        watcher.poll()  # the network may have been seen before its record
        while woken.acquire(blocking=False):
            pass
        assert not woken.acquire(timeout=0.15), "nothing had changed"
        assert watcher.poll() is None
    finally:
        watcher.close()
    assert not any(thread.name == "run" for thread in threading.enumerate())


def test_the_watcher_sees_the_folder_go_and_come_back(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "cats")
    watcher = RunWatcher(run.path, seconds=0.01)
    try:
        assert next_listing(watcher).error is None
        run.path.rename(tmp_path / "elsewhere")
        assert "there is no folder" in str(next_listing(watcher).error)
        (tmp_path / "elsewhere").rename(run.path)
        assert next_listing(watcher).error is None
    finally:
        watcher.close()
