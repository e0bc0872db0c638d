"""``visualizer.py mesh``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

import visualizer
from pof3d.mesh import make_mesh
from pof3d.mesh_settings import MeshSettings
from viz.engine import Engine
from viz.mesh_command import MeshOptions, build, parse
from viz.sessions import Session, session_to_json
from viz.stages import Cancelled
from viz.view import LatentView, NetworkView, View, view_to_json


def run(*arguments: object) -> int:
    return visualizer.main([str(argument) for argument in arguments])


def parsed(*arguments: object) -> MeshOptions:
    return parse([str(argument) for argument in arguments])


def test_the_mesh_is_that_of_the_seed(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.ply"
    assert run("mesh", tiny, "--seed", 3, "--psi", 0.7, "--resolution", 24, "--out", out) == 0
    assert capsys.readouterr().out.strip() == str(out)
    view = View(NetworkView(str(tiny)), LatentView(x=3.0, truncation_psi=0.7))
    expected = make_mesh(*Engine("cpu").field(view), MeshSettings(24))
    mesh = trimesh.load(out, force="mesh", process=False)
    assert np.allclose(mesh.vertices, expected.vertices, atol=1e-6)


def test_options(tiny: Path, tmp_path: Path) -> None:
    saved = tmp_path / "view.json"
    saved.write_text(view_to_json(View(NetworkView(str(tiny)), LatentView(x=5.0))), encoding="utf-8")
    out = tmp_path / "a.obj"
    options = ("--level", 2.0, "--all-parts", "--faces", 3000, "--resolution", 32)
    assert run("mesh", tiny, "--view", saved, *options, "--out", out) == 0
    expected = make_mesh(
        *Engine("cpu").field(View(NetworkView(str(tiny)), LatentView(x=5.0))),
        MeshSettings(32, 2.0, False, 3000),
    )
    mesh = trimesh.load(out, force="mesh", process=False)
    assert len(mesh.faces) == len(expected.faces)


def test_a_session_has_a_mesh(tiny: Path, tmp_path: Path) -> None:
    latent = LatentView(x=1.5, directions=(1.0,), mix_seed=7)
    own = tmp_path / "own.json"
    own.write_bytes(session_to_json(Session(View(NetworkView(str(tiny)), latent))))
    view, _ = build(parsed(own, "--out", tmp_path / "a.ply"))
    assert view == View(NetworkView(str(tiny)), latent)
    options = ("--at", 1.5, 0, "--directions", 1, "--mix-seed", 7)
    assert build(parsed(tiny, *options, "--out", tmp_path / "a.ply"))[0] == view
    assert run("mesh", own, "--view", "{}", "--out", tmp_path / "a.ply") == 2


@pytest.mark.parametrize(
    ("options", "words", "status"),
    [
        (["--out", "a.stl"], "a.stl is no name for a mesh: it should end in one of .ply, .obj, .glb", 2),
        (["--out", "none/a.ply"], "the folder none does not exist", 2),
        (["--resolution", "5000"], "resolution of 5000", 2),
        (["--level", "nan"], "level of nan", 2),
        (["--faces", "1"], "mesh of 1 faces", 2),
        (["--seed", "-1"], "seed of -1", 2),
        (["--threads", "0"], "0 threads", 2),
        (["--level", "900", "--resolution", "16"], "no density reaches the level of 900", 1),
    ],
)
def test_refusals(
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    words: str,
    status: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    out = [] if "--out" in options else ["--out", "a.ply"]
    assert run("mesh", tiny, *options, *out) == status
    error = capsys.readouterr().err
    assert words in error and error.startswith("Error: ") and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_nothing(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(self: Engine, *_: object) -> None:
        raise Cancelled

    monkeypatch.setattr(Engine, "field", interrupted)
    assert run("mesh", tiny, "--out", tmp_path / "a.glb") == 130
    assert "nothing was written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
