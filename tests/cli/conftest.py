"""Run the command line in process and look at exit code, stdout, stderr and files."""

import re
from typing import NamedTuple

import pytest

from model import zoo
from sparsespike.cli.main import main
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine

# A message that mends something says one of these.
REMEDY = re.compile(
    r"--help|must |is not one of|fields are|presets:|recipes:|tables:|networks:|counters are|"
    r"give |choose |check |create |correct |compile it again|make it again|make one|see a preset|"
    r"see horowitz|raise |use |needs |name a|expected |resize|larger|remove|add |should be|"
    r"no more rows|convert |save it again|it again|one folder per class|apt-get install"
)


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys):
    """A function that runs `sparsespike` with the given words."""

    def _run(*words):
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Outcome(code, *capsys.readouterr())

    return _run


@pytest.fixture
def refused(run, tmp_path, monkeypatch):
    """A function: the command exits with 2 and one line that has all `expected` words.

    It runs in `tmp_path` and must leave that folder as it was; `{}` stands for the folder.
    """

    def _refused(words, expected):
        monkeypatch.chdir(tmp_path)
        before = _tree(tmp_path)
        outcome = run(*(str(word).replace("{}", str(tmp_path)) for word in words))
        assert outcome.code == 2, outcome
        assert outcome.err.startswith("error: ")
        assert outcome.err.endswith("\n")
        assert outcome.err.count("\n") == 1, outcome.err
        assert "Traceback" not in outcome.err
        for word in expected:
            assert word.replace("{}", str(tmp_path)) in outcome.err
        assert REMEDY.search(outcome.err), f"no remedy: {outcome.err}"
        assert outcome.out == ""
        assert _tree(tmp_path) == before

    return _refused


def _tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(scope="session")
def tiny_program():
    """The test network compiled for the smallest engine."""
    return compile_network(zoo.load_integer("tiny"), load_engine("micro"))


@pytest.fixture
def program_file(tiny_program, tmp_path):
    """`tiny_program` in a file of its own."""
    path = tmp_path / "tiny.program"
    tiny_program.save(path)
    return path
