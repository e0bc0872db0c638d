"""Everything that can be asked for by name: menus, keys and the list of keys are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from viz.comparing import MOST_PANES
from viz.latent_edits import other_space
from viz.playback import GeneratedPath
from viz.pose_facts import POSE_TITLES, SETTABLE, PoseName
from viz.posing import with_source
from viz.seed_map import step_seed
from viz.timeline import key_at
from viz.view import DisplayMode, PoseSource, View

if TYPE_CHECKING:
    from viz.program import Program

Group = Literal["File", "Edit", "View", "Window", "Help"]
GROUPS: tuple[Group, ...] = ("File", "Edit", "View", "Window", "Help")
"""Menus, from left to right."""

_CYCLE: dict[PoseSource, PoseSource] = {"predicted": "override", "override": "free", "free": "predicted"}


def _always(program: Program) -> bool:
    return True


def _never(program: Program) -> bool:
    return False


@dataclass(frozen=True)
class Action:
    """One thing that the user can ask for."""

    name: str
    """For settings; stays the same for ever."""
    group: Group
    title: str
    """For people, in the imperative: "Save picture"."""
    run: Callable[[Program], None]
    keys: tuple[str, ...] = ()
    """Default chords, such as "Ctrl+Z", "Shift+S", "Space" or a character: "["."""
    enabled: Callable[[Program], bool] = _always
    checked: Callable[[Program], bool] = _never
    """Whether a menu shows a tick."""
    present: Callable[[Program], str] | None = None
    """Its title at present, where that changes."""
    in_menu: bool = True
    separated: bool = False
    """Whether a line precedes it in the menu."""
    repeats: bool = False
    """Whether a key that is held repeats it."""

    def title_in(self, program: Program) -> str:
        """What to write now."""
        return self.present(program) if self.present is not None else self.title


def _has_network(program: Program) -> bool:
    """What waits for the first picture can be asked for before."""
    return bool(program.view.network.path)


def _has_frame(program: Program) -> bool:
    return program.frame is not None


def _at_keyframe(program: Program) -> bool:
    return key_at(program.timeline, program.time) is not None


def _generate(path: GeneratedPath) -> Callable[[Program], None]:
    return lambda program: program.generate_path(path)


def toggle_depth(view: View) -> View:
    """Between the image and the depth map."""
    shown = view.display.mode == "depth" and view.display.geometry == "image"
    mode: DisplayMode = "rgb" if shown else "depth"
    return replace(view, display=replace(view.display, mode=mode, geometry="image"))


def toggle_normals(view: View) -> View:
    """Between the image and the normals of its depth map."""
    shown = view.display.mode == "normals" and view.display.geometry == "image"
    mode: DisplayMode = "rgb" if shown else "normals"
    return replace(view, display=replace(view.display, mode=mode, geometry="image"))


def _step(steps: int) -> Callable[[Program], None]:
    def run(program: Program) -> None:
        program.edit(replace(program.view, latent=step_seed(program.view.latent, steps)))

    return run


def _next_source(program: Program) -> None:
    view = program.view
    program.edit(with_source(view, _CYCLE[view.pose.source], program.frame))


def _copying(source: PoseName, target: PoseName) -> Action:
    return Action(
        f"copy_{source}_pose_to_{target}",
        "View",
        f"Copy pose: {POSE_TITLES[source]} → {POSE_TITLES[target].lower()}",
        lambda p: p.copy_pose(source, target),
        enabled=_has_frame,
        in_menu=False,
    )


ACTIONS: tuple[Action, ...] = (
    Action("save_picture", "File", "Save picture", lambda p: p.save_image(), ("S",), _has_network),
    Action("save_window", "File", "Save window", lambda p: p.save_window(), ("Shift+S",)),
    Action(
        "record",
        "File",
        "Record",
        lambda p: p.toggle_recording(),
        ("R",),
        _has_network,
        present=lambda p: "Cancel recording" if p.capturing.running else "Record",
    ),
    Action("copy_command", "File", "Copy as command", lambda p: p.copy_command(), (), _has_frame),
    Action(
        "copy_recording_command",
        "File",
        "Copy recording as command",
        lambda p: p.copy_recording_command(),
        (),
        _has_frame,
    ),
    Action("export_mesh", "File", "Export mesh…", lambda p: p.show_mesh_export(), ("E",)),
    Action(
        "record_timeline",
        "File",
        "Record timeline",
        lambda p: p.record_timeline(),
        (),
        lambda p: bool(p.timeline.keyframes) and not p.capturing.running,
    ),
    Action("open", "File", "Open…", lambda p: p.ask_for_file("open"), ("Ctrl+O",), separated=True),
    Action(
        "save_session", "File", "Save session…", lambda p: p.ask_for_file("save"), ("Ctrl+S",), _has_frame
    ),
    Action("quit", "File", "Quit", lambda p: p.quit(), ("Ctrl+Q",), separated=True),
    Action("undo", "Edit", "Undo", lambda p: p.undo(), ("Ctrl+Z",), lambda p: p.can_undo, repeats=True),
    Action(
        "redo",
        "Edit",
        "Redo",
        lambda p: p.redo(),
        ("Ctrl+Y", "Ctrl+Shift+Z"),
        lambda p: p.can_redo,
        repeats=True,
    ),
    Action(
        "bookmark",
        "Edit",
        "Bookmark this view",
        lambda p: p.add_bookmark(),
        ("B",),
        _has_frame,
        separated=True,
    ),
    Action(
        "add_keyframe", "Edit", "Add keyframe", lambda p: p.add_keyframe(), ("K",), _has_frame, separated=True
    ),
    Action("update_keyframe", "Edit", "Update keyframe", lambda p: p.update_keyframe(), (), _at_keyframe),
    Action("remove_keyframe", "Edit", "Remove keyframe", lambda p: p.remove_keyframe(), (), _at_keyframe),
    Action("previous_seed", "View", "Previous seed", _step(-1), ("[",), repeats=True),
    Action("next_seed", "View", "Next seed", _step(1), ("]",), repeats=True),
    Action(
        "walk",
        "View",
        "Walk along the path",
        lambda p: p.toggle_walk(),
        enabled=lambda p: p.exploring.walk is not None,
        checked=lambda p: p.exploring.walk is not None and p.exploring.walk.playing,
    ),
    Action(
        "interpolate_w",
        "View",
        "Interpolate in w",
        lambda p: p.edit(replace(p.view, latent=other_space(p.view.latent))),
        checked=lambda p: p.view.latent.space == "w",
    ),
    Action(
        "last_latent",
        "View",
        "Back to the latent before",
        lambda p: p.go_to_last_latent(),
        enabled=lambda p: p.last_latent is not None,
    ),
    Action(
        "mixing",
        "View",
        "Style mixing",
        lambda p: p.toggle_mixing(),
        enabled=_has_frame,
        checked=lambda p: p.view.latent.mix_seed is not None,
    ),
    Action(
        "reset_directions",
        "View",
        "Reset directions",
        lambda p: p.reset_directions(),
        enabled=lambda p: bool(p.view.latent.directions),
    ),
    Action(
        "predicted_pose", "View", "Back to predicted pose", lambda p: p.reset_to_predicted(), separated=True
    ),
    Action("pose_source", "View", "Pose: predicted, override, free orbit", _next_source, ("P",)),
    *(_copying(source, target) for target in SETTABLE for source in POSE_TITLES if source != target),
    Action(
        "poses_on_sphere",
        "View",
        "Poses on a sphere",
        lambda p: p.show_poses("map" if p.poses.state.shown == "sphere" else "sphere"),
        checked=lambda p: p.poses.state.shown == "sphere",
    ),
    Action(
        "poses_of_images",
        "View",
        "Compare poses with images…",
        lambda p: p.choose_image_folder(),
        enabled=lambda p: p.poses_comparable,
    ),
    Action(
        "lock_camera",
        "View",
        "Lock camera",
        lambda p: p.lock_camera(not p.camera_locked),
        ("L",),
        _has_frame,
        checked=lambda p: p.camera_locked,
    ),
    Action(
        "turntable",
        "View",
        "Turntable",
        lambda p: p.toggle_turntable(),
        ("Space",),
        _has_frame,
        checked=lambda p: p.turntable.playing,
    ),
    Action(
        "play_timeline",
        "View",
        "Play timeline",
        lambda p: p.play_timeline(not p.playing),
        (),
        lambda p: bool(p.timeline.keyframes),
        checked=lambda p: p.playing,
    ),
    Action(
        "depth",
        "View",
        "Depth",
        lambda p: p.edit(toggle_depth(p.view)),
        ("D",),
        checked=lambda p: p.view.display.mode == "depth",
        separated=True,
    ),
    Action(
        "compare",
        "View",
        "Compare views",
        lambda p: p.toggle_comparison(),
        ("C",),
        _has_frame,
        checked=lambda p: p.comparison.on,
        separated=True,
    ),
    Action(
        "pin_view",
        "View",
        "Pin this view",
        lambda p: p.pin_view(),
        enabled=lambda p: p.frame is not None and len(p.comparison.panes) < MOST_PANES,
    ),
    Action(
        "compare_wipe",
        "View",
        "Compare with a wipe",
        lambda p: p.show_layout("wipe"),
        ("W",),
        _has_frame,
        checked=lambda p: p.comparison.on and p.comparison.layout == "wipe",
    ),
    Action(
        "compare_difference",
        "View",
        "Show the difference",
        lambda p: p.show_layout("difference"),
        enabled=_has_frame,
        checked=lambda p: p.comparison.on and p.comparison.layout == "difference",
    ),
    Action(
        "compare_linked",
        "View",
        "Link the cameras of compared views",
        lambda p: p.change_comparison(replace(p.comparison, linked=not p.comparison.linked)),
        checked=lambda p: p.comparison.linked,
    ),
    Action(
        "save_comparison",
        "File",
        "Save comparison",
        lambda p: p.save_comparison(),
        enabled=lambda p: p.comparison.on,
    ),
    Action("save_grid", "File", "Save grid of seeds and yaws", lambda p: p.save_grid(), enabled=_has_frame),
    Action(
        "normals",
        "View",
        "Normals",
        lambda p: p.edit(toggle_normals(p.view)),
        ("N",),
        checked=lambda p: p.view.display.mode == "normals",
    ),
    Action("geometry", "View", "Geometry: image, surface, points", lambda p: p.next_geometry(), ("G",)),
    Action(
        "timeline",
        "Window",
        "Timeline",
        lambda p: p.toggle_timeline(),
        ("T",),
        checked=lambda p: "Timeline" in p.panels_open,
    ),
    *(
        Action(
            f"generate_{path.replace('-', '_').replace(' ', '_')}",
            "View",
            f"Timeline: {path}",
            _generate(path),
            (),
            _has_frame,
            in_menu=False,
        )
        for path in get_args(GeneratedPath)
    ),
    Action(
        "overlays",
        "Window",
        "Overlays",
        lambda p: p.toggle_overlays(),
        ("H",),
        checked=lambda p: p.overlays_visible,
    ),
    Action("reset_panels", "Window", "Reset panels", lambda p: p.reset_layout()),
    Action(
        "theme",
        "Window",
        "Light theme",
        lambda p: p.toggle_theme(),
        checked=lambda p: p.settings.theme == "light",
    ),
    Action("save_layout", "Window", "Save layout as …", lambda p: p.name_layout(), separated=True),
    Action("palette", "Help", "Find an action …", lambda p: p.toggle_palette(), ("Ctrl+P",)),
    Action("keys", "Help", "Keys and mouse", lambda p: p.toggle_help(), ("?",)),
    Action("tour", "Help", "Tour of the window", lambda p: p.start_tour(), ("F1",)),
)
