"""Which meshes a folder holds: by its table, by its name, or all of them."""

import pytest
import torch
import trimesh

from spir.data.meshes.read import MeshError, read_mesh
from spir.data.meshes.table import mesh_files


@pytest.fixture
def folder(tmp_path):
    """Two boxes of 1 x 2 x 4, an OBJ and a GLB, in folders of their own, and a picture."""
    for name in ("one/a.obj", "two/a.glb"):
        (tmp_path / name).parent.mkdir()
        trimesh.creation.box((1, 2, 4)).export(tmp_path / name)
    (tmp_path / "one/skin.png").write_bytes(b"")
    return tmp_path


def table(folder, *rows, name="axes.tsv"):
    (folder / name).write_text("\n".join("\t".join(row) for row in rows) + "\n")


def size(folder, file):
    vertices = read_mesh(folder, file).vertices
    return (vertices.amax(0) - vertices.amin(0)).tolist()


def test_all_meshes_below_stand_as_most_do_and_have_names_of_their_own(folder):
    files = mesh_files(folder, "chair")
    assert [(f.path, f.up, f.front) for f in files] == [("one/a.obj", "+y", "+z"), ("two/a.glb", "+y", "+z")]
    assert [file.name for file in files] == ["one-a", "two-a"]
    assert all(size(folder, file) == pytest.approx([0.45, 0.9, 1.8]) for file in files)


def test_cars_are_as_long_as_each_other_and_all_else_along_its_longest_side(folder):
    table(folder, ("path", "front"), ("one/a.obj", "+x"))
    (car,), (chair,) = mesh_files(folder, "car"), mesh_files(folder, "chair")
    assert (car.name, car.front, car.car, chair.car) == ("a", "+x", True, False)
    assert size(folder, car) == pytest.approx([7.2, 3.6, 1.8])
    assert size(folder, chair) == pytest.approx([1.8, 0.9, 0.45])


def test_a_row_may_be_a_pattern_and_the_first_table_counts(folder):
    table(folder, ("path", "up", "front"), ("*/a.*", "+z", "-y"))
    table(folder, ("path", "up", "front"), ("one/a.obj", "+x", "-y"), name="INDEX.tsv")
    assert [(f.path, f.up, f.front) for f in mesh_files(folder, "chair")] == [
        ("one/a.obj", "+z", "-y"),
        ("two/a.glb", "+z", "-y"),
    ]


def test_an_index_of_models_with_a_rotation(folder):
    """y to z, z to -y: what was 4 long in z is as high then."""
    row = ("one", "a.obj", "CC0", "1 0 0 0 0 1 0 -1 0")
    table(
        folder,
        ("model", "obj", "licence", "modelRotation"),
        row,
        ("two", "a.glb", "CC0", ""),
        name="INDEX.tsv",
    )
    turned, plain = mesh_files(folder, "chair")
    assert len(turned.rotation) == 9 and plain.rotation == ()
    assert size(folder, turned) == pytest.approx([0.45, 1.8, 0.9])
    point = torch.tensor(turned.rotation).view(3, 3) @ torch.tensor((0.0, 0.0, 1.0))
    assert point.tolist() == [0, 1, 0]


def test_known_collections_need_no_table(tmp_path):
    (tmp_path / "planes_flightgear").mkdir()
    trimesh.creation.box((4, 1, 3)).export(tmp_path / "planes_flightgear/p.glb")
    (plane,) = mesh_files(tmp_path / "planes_flightgear", "plane")
    assert (plane.up, plane.front) == ("+y", "-x")
    assert size(tmp_path / "planes_flightgear", plane) == pytest.approx([1.35, 0.45, 1.8])


@pytest.mark.parametrize(
    "row, words",
    [
        (("one/a.obj", "y", "+z", ""), "an axis is one of"),
        (("one/a.obj", "+y", "-y", ""), "two different axes"),
        (("one/none.obj", "", "", ""), "there is no mesh one/none.obj"),
        (("one/skin.png", "", "", ""), "there is no mesh one/skin.png"),
        (("", "+y", "+z", ""), "neither `path`"),
        (("one/a.obj", "", "", "1 0 0"), "3 numbers, not nine"),
        (("one/a.obj", "", "", "a b"), "could not convert"),
    ],
)
def test_tables_that_say_nonsense(folder, row, words):
    table(folder, ("path", "up", "front", "modelRotation"), row)
    with pytest.raises(MeshError, match=words):
        mesh_files(folder, "chair")


def test_a_folder_without_meshes(tmp_path):
    with pytest.raises(MeshError, match="there is no mesh in"):
        mesh_files(tmp_path, "chair")
