"""The commands without a window."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

import visualizer
from viz import cli
from viz.captures import read_view
from viz.engine import Engine
from viz.frame import Frame
from viz.options import Record, Render, build_request, build_view, posed
from viz.view import (
    CameraView,
    DisplayView,
    LatentView,
    NetworkView,
    PoseView,
    SamplingView,
    View,
    view_to_json,
)

REPOSITORY = Path(visualizer.__file__).parent


def run(*arguments: object) -> int:
    return visualizer.main([str(argument) for argument in arguments])


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA"))


# ---------------------------------------------------------------------------------- same View, same pixels
@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ([], {}),
        (["--seed", "3", "--psi", "0.7"], {"latent": LatentView(x=3.0, truncation_psi=0.7)}),
        (["--seed", "205"], {"latent": LatentView(x=5.0, y=2.0)}),
        (
            ["--yaw", "20", "--pitch", "-10"],
            {"pose": PoseView("override", math.radians(20), math.radians(-10))},
        ),
        (["--yaw", "predicted"], {"pose": PoseView("predicted")}),
        (["--mode", "depth", "--colors", "magma"], {"display": DisplayView("depth", "magma")}),
        (["--mode", "raw"], {"display": DisplayView("raw")}),
        (
            ["--mode", "side_by_side", "--depth-range", "2.4", "3"],
            {"display": DisplayView("side_by_side", depth_range=(2.4, 3.0))},
        ),
        (
            ["--roll", "30", "--radius", "2.5", "--fov", "20"],
            {"camera": CameraView(roll=math.radians(30), radius=2.5, fov=math.radians(20))},
        ),
        (["--at", "1.5", "-2"], {"latent": LatentView(1.5, -2.0)}),
        (
            ["--orbit", "20", "-10", "--pan", "0.1", "0", "-0.1"],
            {
                "pose": PoseView("free"),
                "camera": CameraView(math.radians(20), math.radians(-10), pan=(0.1, 0.0, -0.1)),
            },
        ),
        (
            ["--view", '{"schema_version":1,"view":{"latent":{"x":7,"y":1}}}', "--seed", "3"],
            {"latent": LatentView(3.0)},
        ),
        (
            ["--resolution", "24", "--samples", "8", "--importance", "5"],
            {"sampling": SamplingView(24, 8, 5)},
        ),
        (
            ["--conditioning", "20", "-5", "--yaw", "10", "--pitch", "0"],
            {"pose": PoseView("override", math.radians(10), 0.0, math.radians(20), math.radians(-5))},
        ),
        (
            ["--seed", "3", "--directions", "0", "-1.5", "--mix-seed", "7", "--mix-layers", "1", "2"],
            {"latent": LatentView(x=3.0, directions=(0.0, -1.5), mix_seed=7, mix_first=1, mix_end=3)},
        ),
        (["--cutoff", "1", "--psi", "0", "--noise", "none"], {"latent": LatentView(0, 0, 0.0, 1, "none")}),
    ],
)
def test_render(
    tiny: Path, tmp_path: Path, options: list[str], parts: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.png"
    assert run("render", tiny, *options, "--out", out) == 0
    view = replace(View(NetworkView(str(tiny))), **parts)
    assert read_view(out) == view
    np.testing.assert_array_equal(pixels(out), Engine().render(view).rgba)
    assert capsys.readouterr().out == f"{out}\n"


def test_one_angle_given_the_other_is_predicted(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.png"
    assert run("render", tiny, "--pitch", "15", "--out", out) == 0
    predicted = Engine().predicted_pose(View(NetworkView(str(tiny))))
    assert read_view(out).pose == PoseView("override", predicted.yaw, math.radians(15))


def test_a_saved_view_is_the_base(tiny: Path, tmp_path: Path) -> None:
    base = View(
        NetworkView("elsewhere"),
        LatentView(x=1.5, truncation_psi=0.5),
        PoseView("free"),
        CameraView(yaw=0.2),
        display=DisplayView("depth"),
    )
    (tmp_path / "view.json").write_text(view_to_json(base))
    assert run("render", tiny, "--view", tmp_path / "view.json", "--out", tmp_path / "a.png") == 0
    expected = replace(base, network=NetworkView(str(tiny)))
    assert read_view(tmp_path / "a.png") == expected
    again = ("render", tiny, "--view", tmp_path / "a.png", "--psi", "1", "--out", tmp_path / "b.png")
    assert run(*again) == 0
    assert read_view(tmp_path / "b.png") == replace(expected, latent=LatentView(x=1.5))


def test_record(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.mp4"
    assert (
        run("record", tiny, "--seed", "3", "--frames", "4", "--fps", "8", "--size", "32", "--out", out) == 0
    )
    assert iio.imread(out, plugin="pyav").shape == (4, 32, 32, 3)
    assert capsys.readouterr().out == f"{out}\n"
    out = tmp_path / "b.gif"
    options = [
        "--path",
        "sweep",
        "--amplitude",
        "20",
        "--frames",
        "3",
        "--size",
        "16",
        "--mode",
        "side_by_side",
    ]
    assert run("record", tiny, *options, "--out", out) == 0
    assert iio.imread(out).shape == (3, 16, 32, 3)
    assert capsys.readouterr().err == ""


def test_it_is_said_that_the_image_is_made(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    view = view_to_json(View(display=DisplayView(geometry="surface")))
    assert run("render", tiny, "--view", view, "--out", tmp_path / "a.png") == 0
    assert capsys.readouterr().err.startswith("This renders the image")
    options = ("--frames", "2", "--size", "16", "--out", tmp_path / "a.gif")
    assert run("record", tiny, "--view", view, *options) == 0
    assert capsys.readouterr().err.startswith("Videos show the image")


def test_record_in_other_formats(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = (
        "--frames",
        "2",
        "--contents",
        "rgb",
        "depth",
        "--canvas",
        "401",
        "200",
        "--poses",
        "--histogram",
    )
    assert run("record", tiny, *options, "--out", tmp_path / "a.webm") == 0
    assert "Rounded up to 402 × 200 pixels" in capsys.readouterr().err
    assert iio.imread(tmp_path / "a.webm", plugin="pyav").shape == (2, 200, 402, 3)
    assert run("record", tiny, *options, "--out", tmp_path / "frames") == 0
    assert capsys.readouterr().err == ""
    first = pixels(tmp_path / "frames" / "frame-00001.png")
    assert first.shape == (200, 401, 4)
    assert read_view(tmp_path / "frames") == read_view(tmp_path / "a.webm") == View(NetworkView(str(tiny)))
    # A picture of the sequence is a view to go on from.
    again = ("render", tiny, "--view", tmp_path / "frames" / "frame-00002.png", "--out", tmp_path / "b.png")
    assert run(*again) == 0
    assert read_view(tmp_path / "b.png").pose.source == "free"


def test_a_missing_encoder_is_said_at_once(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("viz.encoders._ENCODERS", {"webm": (("libnonsense", {}),)})
    monkeypatch.setattr(cli, "_engine", lambda options: pytest.fail("began to work"))
    assert run("record", tiny, "--out", tmp_path / "a.webm") == 2
    assert "PyAV has no encoder for VP9 here" in capsys.readouterr().err


def test_threads(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr("torch.set_num_threads", asked.append)
    assert run("render", tiny, "--threads", "2", "--device", "cpu", "--out", tmp_path / "a.png") == 0
    assert asked == [2]


# ------------------------------------------------------------------------------------------------ refusals
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["render", "--seed", "-1"], "seed of -1"),
        (["render", "--seed", "4294967296"], "4294967295"),
        (["render", "--psi", "9"], "ψ of 9"),
        (["render", "--psi", "nan"], "ψ of nan"),
        (["render", "--pitch", "88"], "pitch of 88° cannot be used: it must lie within ±85°"),
        (["render", "--yaw", "inf"], "yaw of inf"),
        (["render", "--resolution", "4"], "resolution of 4 pixels"),
        (["render", "--samples", "1"], "must lie between 4 and 512"),
        (["render", "--fov", "170"], "field of view of 170°"),
        (["render", "--radius", "0"], "radius of 0"),
        (["render", "--depth-range", "3", "2"], "depth range is empty"),
        (["render", "--threads", "0"], "0 threads"),
        (["render", "--seed", "1", "--at", "1.5", "0"], "--at cannot be used with --seed"),
        (["render", "--orbit", "10", "0", "--yaw", "3"], "--orbit cannot be used with --yaw"),
        (["render", "--orbit", "10", "100"], "pitch of 100°"),
        (["render", "--pan", "0", "0", "1000"], "pan of 1000"),
        (["render", "--view", "{nonsense"], "cannot read the saved view"),
        (["render", "--view", '{"schema_version":1,"view":{"camera":{"radius":0}}}'], "radius of 0"),
        (["render", "--mix-layers", "2", "4"], "--mix-layers cannot be used without --mix-seed"),
        (["record", "--canvas", "1920", "9"], "video side of 9 pixels"),
        (["record", "--contents", "side_by_side"], "cannot show 'side_by_side': it can show rgb"),
        (["render", "--view", "missing.json"], "missing.json cannot be read"),
        (["render", "--out", "a.jpg"], "a.jpg is no name for a picture: it should end in .png"),
        (["render", "--out", "none/a.png"], "the folder none does not exist"),
        (["record", "--out", "a.avi"], "a.avi is no name for a video"),
        (["record", "--out", "none/a.mp4"], "the folder none does not exist"),
        (["record", "--frames", "0"], "number of frames of 0"),
        (["record", "--fps", "60", "--out", "a.gif"], "between 1 a second and 50 a second"),
        (["record", "--size", "5"], "video side of 5 pixels"),
        (["record", "--amplitude", "0"], "amplitude of 0°"),
    ],
)
def test_bad_values_are_refused_at_once_in_one_line(
    options: list[str],
    words: str,
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_engine", lambda options: pytest.fail("began to work"))
    command, *rest = options
    if "--out" not in rest:
        rest += ["--out", "a.png" if command == "render" else "a.mp4"]
    assert run(command, tiny, *rest) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("Error: ")
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options", [["--seed", "three"], ["--mode", "x-ray"], ["--yaw", "left"], ["--nonsense", "1"], []]
)
def test_what_cannot_be_understood_is_refused(
    options: list[str], tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "a.png")] if options else []
    with pytest.raises(SystemExit) as exit_:
        run("render", tiny, *options, *out)
    assert exit_.value.code == 2
    assert (options[0] if options else "--out") in capsys.readouterr().err


def test_failures(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_text("not a network")
    for file, words in ((bad, "bad.safetensors"), (tmp_path / "missing.pkl", "there is no such file")):
        assert run("render", file, "--out", tmp_path / "a.png") == 1
        assert words in capsys.readouterr().err
    assert run("render", tiny, "--device", "quantum", "--out", tmp_path / "a.png") == 1
    assert "quantum" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [bad]


# -------------------------------------------------------------------------------------------------- Ctrl-C
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_nothing(
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    assert threading.current_thread() is threading.main_thread()
    render, count = Engine.render, [0]

    def interrupted(self: Engine, *args: Any, **kwargs: Any) -> Frame:
        count[0] += 1
        if count[0] == 3:
            os.kill(os.getpid(), number)
        return render(self, *args, **kwargs)

    before = signal.getsignal(number)
    monkeypatch.setattr(Engine, "render", interrupted)
    for name in ("a.mp4", "a.gif"):
        count[0] = 0
        assert run("record", tiny, "--frames", "9", "--size", "16", "--out", tmp_path / name) == 130
        assert "nothing was written" in capsys.readouterr().err
    count[0] = 2
    assert run("render", tiny, "--out", tmp_path / "a.png") == 130
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(number) is before


# ------------------------------------------------------------------------------------------------ start-up
@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["render", "--help"], ["record", "--help"], ["grid", "--help"], ["mesh", "--help"]],
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys, visualizer\n"
        "try:\n    visualizer.main(sys.argv[1:])\n"
        "finally:\n    heavy = ('torch', 'imgui_bundle', 'glfw', 'av', 'trimesh', 'scipy', 'skimage')\n"
        "    print([n for n in heavy if n in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert "usage: visualizer.py" in done.stdout


def test_openmp_threads_sleep(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert run("render", "x", "--out", tmp_path / "a.jpg") == 2
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


# ------------------------------------------------------------------------------- options as pure functions
def test_the_network_path_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    view = build_view(Render(Path("net.safetensors"), Path("a.png")))
    assert view.network.path == str(tmp_path / "net.safetensors")


def test_the_pose_is_asked_for_only_when_needed() -> None:
    view = View(pose=PoseView("free"))

    def unwanted(view: View) -> tuple[float, float]:
        pytest.fail("asked")

    def options(**angles: Any) -> Render:
        return Render(Path("n"), Path("a.png"), **angles)

    assert posed(view, options(), unwanted) == view
    assert posed(view, options(yaw="predicted"), unwanted).pose == PoseView("predicted")
    both = posed(view, options(yaw=180.0, pitch=0.0), unwanted).pose
    assert both == PoseView("override", math.pi, 0.0)
    mixed = posed(view, options(yaw=180.0, pitch="predicted"), lambda view: (1.0, 0.5)).pose
    assert mixed == PoseView("override", math.pi, 0.5)


def test_requests(tmp_path: Path) -> None:
    made = build_request(Record(Path("n"), tmp_path / "a.gif", amplitude=90.0, full=True, fps=20))
    assert (made.format, made.amplitude, made.full_turn) == ("gif", math.pi / 2, True)
    assert build_request(Record(Path("n"), tmp_path / "a.MP4")).full_turn is None
