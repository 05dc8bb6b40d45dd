"""Bad input: exit code 2, one line that says what, where and how to mend it, nothing written.

Every case prepares a folder and returns the words of the command line; `{}` in the expected words
stands for the folder.
"""

import pytest
from PIL import Image

EVALUATE = ("evaluate", "--network", "tiny")


def _engine(text):
    def prepare(folder):
        (folder / "mine.toml").write_text(text)
        return ["verilog", "--engine", folder / "mine.toml", "-o", folder / "out"]

    return prepare


def _technology(text):
    def prepare(folder):
        (folder / "mine.toml").write_text(text)
        return ["simulate", "--technology", folder / "mine.toml"]

    return prepare


def _words(*words):
    return lambda _: list(words)


def _file_as_parent(folder):
    (folder / "file").write_text("")
    return ["list", "--json", folder / "file" / "a.json"]


def _folder_as_engine(folder):
    (folder / "mine.toml").mkdir()
    return ["verilog", "--engine", folder / "mine.toml", "-o", folder / "out"]


def _binary_engine(folder):
    (folder / "mine.toml").write_bytes(bytes(range(256)))
    return ["verilog", "--engine", folder / "mine.toml", "-o", folder / "out"]


def _output_is_a_file(folder):
    (folder / "out").write_text("")
    return ["verilog", "-o", folder / "out"]


def _pngs(size, folder="png/cat"):
    def prepare(top):
        target = top / folder
        target.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (size, size)).save(target / "a.png")
        return [*EVALUATE, "--data", top / folder.split("/")[0]]

    return prepare


def _two_sizes(folder):
    _pngs(16, folder="png/dog")(folder)
    return _pngs(8)(folder)


def _bad_png(folder):
    words = _pngs(8)(folder)
    (folder / "png" / "cat" / "b.png").write_bytes(b"not a picture")
    return words


def _bad_data(name):
    def prepare(folder):
        (folder / name).write_bytes(b"not a data set")
        return [*EVALUATE, "--data", folder / name]

    return prepare


CASES = {
    "no such command": (_words("simulat"), ["simulat"]),
    "no such option": (_words("list", "--jsn", "x"), ["--jsn"]),
    "option without its value": (_words("list", "--json"), ["--json"]),
    "a word for a number": (_words("simulate", "--images", "many"), ["--images", "many"]),
    "a fraction for a number": (_words("simulate", "--images", "1.5"), ["--images", "1.5"]),
    "a word too many": (_words("verilog", "small"), ["small"]),
    "list of what": (_words("list", "engine"), ["'engine'", "engines"]),
    "schema of what": (_words("schema", "engines"), ["'engines'", "engine"]),
    "unknown preset": (_words("verilog", "--engine", "huge"), ["huge", "micro", "small"]),
    "absent engine file": (_words("verilog", "--engine", "{}/no.toml"), ["{}/no.toml"]),
    "folder as engine": (_folder_as_engine, ["{}/mine.toml"]),
    "binary file as engine": (_binary_engine, ["{}/mine.toml", "TOML"]),
    "invalid TOML": (_engine("lanes = = 4"), ["{}/mine.toml", "TOML"]),
    "unknown key": (_engine("lane = 4"), ["{}/mine.toml", "'lane'", "lanes"]),
    "a table for a number": (_engine("[lanes]\nx = 1"), ["{}/mine.toml", "lanes"]),
    "no lanes": (_engine("lanes = 0"), ["{}/mine.toml", "lanes", "0"]),
    "no lanes, by option": (_words("verilog", "--lanes", "0"), ["lanes", "0"]),
    "negative lanes": (_engine("lanes = -8"), ["{}/mine.toml", "lanes", "-8"]),
    "too many lanes": (_engine("lanes = 4096"), ["{}/mine.toml", "lanes", "4096"]),
    "text for a number": (_engine('lanes = "8"'), ["{}/mine.toml", "lanes", "'8'"]),
    "float for an integer": (_engine("lanes = 8.5"), ["{}/mine.toml", "lanes", "8.5"]),
    "flag for an integer": (_engine("lanes = true"), ["{}/mine.toml", "lanes", "True"]),
    "chunk not a power of two": (_engine("chunk = 12"), ["{}/mine.toml", "chunk", "12"]),
    "odd weight bits": (_engine("weight_bits = 5"), ["{}/mine.toml", "weight_bits", "5"]),
    "endless clock": (_engine("clock_mhz = inf"), ["{}/mine.toml", "clock_mhz", "inf"]),
    "no clock": (_engine("clock_mhz = nan"), ["{}/mine.toml", "clock_mhz", "nan"]),
    "membrane too narrow": (
        _engine("membrane_bits = 24\naccumulator_bits = 24"),
        ["{}/mine.toml", "membrane_bits", "24"],
    ),
    "JSON into no folder": (_words("list", "--json", "{}/no/a.json"), ["{}/no/a.json", "--json"]),
    "JSON over a folder": (_words("list", "--json", "{}"), ["{}", "--json"]),
    "JSON below a file": (_file_as_parent, ["{}/file/a.json", "--json"]),
    "JSON over a device": (_words("list", "--json", "/dev/null"), ["/dev/null", "--json"]),
    "RTL over a file": (_output_is_a_file, ["{}/out", "--output"]),
    "unknown technology": (_words("simulate", "--technology", "3nm"), ["3nm", "horowitz-45nm"]),
    "technology without entries": (
        _technology('name = "x"'),
        ["{}/mine.toml", "node_nm"],
    ),
    "technology not TOML": (_technology("name = "), ["{}/mine.toml", "TOML"]),
    "absent network": (_words("evaluate", "--network", "{}/no.npz"), ["{}/no.npz", "tiny"]),
    "unknown network": (_words("compile", "--network", "spikformer"), ["spikformer", "tiny"]),
    "no images": (_words(*EVALUATE, "--images", "0"), ["images", "0", "256"]),
    "fewer than no images": (_words(*EVALUATE, "--images", "-1"), ["images", "-1", "256"]),
    "more images than exist": (_words(*EVALUATE, "--images", "257"), ["images", "257", "256"]),
    "absent data": (_words(*EVALUATE, "--data", "{}/no"), ["{}/no"]),
    "empty folder of PNGs": (_words(*EVALUATE, "--data", "{}"), ["{}", "PNG"]),
    "images that do not fit": (_pngs(16), ["{}/png", "16x16x3", "8x8x3"]),
    "images without labels": (_pngs(8, folder="."), ["label"]),
    "images of two sizes": (_two_sizes, ["{}/png"]),
    "a PNG that is none": (_bad_png, ["{}/png"]),
    "a Parquet file that is none": (_bad_data("x.parquet"), ["{}/x.parquet"]),
    "an archive that is none": (_bad_data("x.npz"), ["{}/x.npz"]),
    "data of an unknown kind": (_bad_data("x.csv"), ["{}/x.csv", ".csv"]),
    "unknown simulator": (_words("cosim", "--simulator", "vcs"), ["vcs", "verilator", "icarus"]),
    "a space in the build path": (
        _words("cosim", "--build-dir", "{}/my build"),
        ["{}/my build", "space"],
    ),
    "quantize a network without floats": (_words("quantize", "tiny"), ["tiny", "checkpoint"]),
    "odd weight bits of a network": (_words("quantize", "--weight-bits", "5"), ["5", "4, 6, 8"]),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_refused_in_one_line(case, refused, tmp_path):
    prepare, expected = CASES[case]
    refused(prepare(tmp_path), expected)
