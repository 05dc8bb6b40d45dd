"""Every format of image set gives the same rows."""

import io
import pickle

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from model.data import ImageSet, has_split, load_images, save_images
from sparsespike.contract.errors import ContractError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 32, 32, 3)).astype(np.uint8)
LABELS = [3, 0, 9, 1, 1, 7]


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def check(data: ImageSet, labels: list[int] = LABELS) -> None:
    np.testing.assert_array_equal(data.images, IMAGES)
    assert data.labels.tolist() == labels
    assert data.images.dtype == np.uint8


def test_parquet_with_bytes(tmp_path):
    table = pa.table({"image": [png(i) for i in IMAGES], "label": LABELS})
    parquet.write_table(table, tmp_path / "test.parquet")
    check(load_images(tmp_path, "test"))
    check(load_images(tmp_path / "test.parquet"))


def test_hugging_face_parquet_in_parts(tmp_path):
    (tmp_path / "plain").mkdir()
    for part in range(2):
        rows = slice(3 * part, 3 * part + 3)
        table = pa.table(
            {"img": [{"bytes": png(i), "path": None} for i in IMAGES[rows]], "label": LABELS[rows]}
        )
        parquet.write_table(table, tmp_path / "plain" / f"train-0000{part}-of-00002.parquet")
    check(load_images(tmp_path, "train"))


def test_python_batches(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    batch = {b"data": IMAGES.transpose(0, 3, 1, 2).reshape(6, -1), b"labels": LABELS}
    (folder / "test_batch").write_bytes(pickle.dumps(batch))
    check(load_images(tmp_path, "test"))


@pytest.mark.parametrize("folder", [".", "cifar-100-python"])
def test_python_batches_of_cifar_100(tmp_path, folder):
    (tmp_path / folder).mkdir(exist_ok=True)
    for split, labels in (("train", LABELS), ("test", LABELS[::-1])):
        batch = {
            b"data": IMAGES.transpose(0, 3, 1, 2).reshape(6, -1),
            b"coarse_labels": [0] * 6,
            b"fine_labels": labels,
        }
        (tmp_path / folder / split).write_bytes(pickle.dumps(batch))
    check(load_images(tmp_path, "train"))
    check(load_images(tmp_path, "test"), LABELS[::-1])


def test_npz_files_and_png_folders_by_split(tmp_path):
    for split, rows in (("train", slice(0, 4)), ("test", slice(4, 6))):
        save_images(ImageSet(IMAGES[rows], np.array(LABELS[rows])), tmp_path / f"{split}.npz")
        for index, image in enumerate(IMAGES[rows]):
            (tmp_path / "pngs" / split / "cat").mkdir(parents=True, exist_ok=True)
            (tmp_path / "pngs" / split / "cat" / f"{index}.png").write_bytes(png(image))
    assert load_images(tmp_path, "train").labels.tolist() == LABELS[:4]
    assert load_images(tmp_path).labels.tolist() == LABELS[4:]
    np.testing.assert_array_equal(load_images(tmp_path / "pngs", "train").images, IMAGES[:4])
    np.testing.assert_array_equal(load_images(tmp_path / "pngs", "test").images, IMAGES[4:])


def test_which_data_sets_keep_their_splits_apart(tmp_path):
    save_images(ImageSet(IMAGES, np.array(LABELS)), tmp_path / "test.npz")
    (tmp_path / "pngs").mkdir()
    (tmp_path / "pngs" / "a.png").write_bytes(png(IMAGES[0]))
    assert has_split(tmp_path, "test")
    assert not has_split(tmp_path, "train")
    assert not has_split(tmp_path / "test.npz", "test")
    assert not has_split(tmp_path / "pngs", "test")


def test_a_batch_that_would_run_code_is_refused(tmp_path):
    (tmp_path / "test_batch").write_bytes(pickle.dumps(print))
    with pytest.raises(ContractError, match=r"asks for builtins\.print"):
        load_images(tmp_path, "test")


def test_png_folders(tmp_path):
    for index, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
        (tmp_path / "loose").mkdir(exist_ok=True)
        (tmp_path / "loose" / f"{index}.png").write_bytes(png(image))
        (tmp_path / "sorted" / f"class{label}").mkdir(parents=True, exist_ok=True)
        (tmp_path / "sorted" / f"class{label}" / f"{index}.png").write_bytes(png(image))
    check(load_images(tmp_path / "loose"), [-1] * 6)
    by_class = load_images(tmp_path / "sorted")
    assert by_class.labels.tolist() == [0, 1, 1, 2, 3, 4]
    np.testing.assert_array_equal(by_class.images[0], IMAGES[1])


def test_npz_round_trip_and_first_rows(tmp_path):
    save_images(ImageSet(IMAGES, np.array(LABELS)), tmp_path / "s.npz")
    data = load_images(tmp_path / "s.npz")
    check(data)
    assert data.first(2).labels.tolist() == LABELS[:2]
    with pytest.raises(ContractError, match=r"images must be in 1\.\.6, not 7"):
        data.first(7)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("absent", None, "no such file or folder"),
        ("x.txt", b"1", "cannot read .txt"),
        ("empty/", None, "holds no known data set"),
    ],
)
def test_other_things_are_refused(tmp_path, name, content, message):
    if name.endswith("/"):
        (tmp_path / name).mkdir()
    elif content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ContractError, match=message):
        load_images(tmp_path / name)


def test_wrong_columns_and_sizes_are_refused(tmp_path):
    parquet.write_table(pa.table({"pixels": [b""], "label": [1]}), tmp_path / "a.parquet")
    with pytest.raises(ContractError, match="columns are pixels, label"):
        load_images(tmp_path / "a.parquet")
    (tmp_path / "1.png").write_bytes(png(IMAGES[0]))
    (tmp_path / "2.png").write_bytes(png(IMAGES[0][:8, :8]))
    with pytest.raises(ContractError, match="images differ in size"):
        load_images(tmp_path)
