"""Imports point one way: contract <- compiler, model, hw, sim <- cocotb_tests, cli."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("sparsespike", "model", "hw", "sim", "cocotb_tests", "reports")
CONTRACT = "sparsespike.contract"

# Package -> packages of ours that it may import, itself apart. The longest prefix decides.
ALLOWED = {
    "sparsespike": ("sparsespike",),
    "sparsespike.contract": (),
    "sparsespike.compiler": (CONTRACT,),
    "sparsespike.cli": OURS,
    "model": (CONTRACT,),
    "hw": (CONTRACT,),
    "sim": (CONTRACT,),
    "reports": (CONTRACT,),
    "cocotb_tests": OURS,
    "cocotb_tests.benches": (CONTRACT,),
}

# Nothing outside the command line may depend on the command line.
FORBIDDEN = {package: ("sparsespike.cli",) for package in ALLOWED if package != "sparsespike.cli"}

# Contract and simulator run without torch, and so does everything that `verilog` needs.
TORCH_FREE = ("sparsespike.contract", "sparsespike.compiler", "hw", "sim", "reports")


def _modules(package):
    paths = sorted((ROOT / package.replace(".", "/")).rglob("*.py"))
    assert paths
    return paths


def _module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _package_of(module):
    prefixes = [name for name in ALLOWED if _within(module, name)]
    return max(prefixes, key=len)


def _within(module, package):
    return module == package or module.startswith(package + ".")


def _imported(source, module, is_package):
    """Absolute names of the modules that `source` imports, wherever the statement stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                keep = len(parts) - node.level + (1 if is_package else 0)
                base = ".".join([*parts[:keep], *([base] if base else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _is_ours(name):
    return name.split(".")[0] in OURS


def _violations(names, module):
    package = _package_of(module)
    allowed = (package, *ALLOWED[package])
    forbidden = FORBIDDEN.get(package, ())
    for name in names:
        if not _is_ours(name):
            continue
        # `from sparsespike import contract` names its parent too; the parent itself is harmless.
        if name == "sparsespike":
            continue
        permitted = any(_within(name, one) for one in allowed)
        if not permitted or any(_within(name, one) for one in forbidden):
            yield name


def _imports_of(path):
    return _imported(path.read_text(), _module_name(path), path.name == "__init__.py")


@pytest.mark.parametrize("package", OURS)
def test_imports_point_one_way(package):
    found = [
        f"{_module_name(path)} must not import {name}"
        for path in _modules(package)
        for name in _violations(_imports_of(path), _module_name(path))
    ]
    assert not found


@pytest.mark.parametrize("package", TORCH_FREE)
def test_torch_stays_with_the_model(package):
    found = [
        f"{_module_name(path)} must not import {name}"
        for path in _modules(package)
        for name in _imports_of(path)
        if name.split(".")[0] == "torch"
    ]
    assert not found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("sparsespike.contract.numeric", "from model.network import Network"),
        ("sparsespike.contract.config", "import sparsespike.compiler"),
        ("sparsespike.compiler.lower", "from sparsespike.cli import main"),
        ("hw.engine", "import sim.kernels"),
        ("sim.simulate", "def f():\n    from hw import lane"),
        ("hw.lane", "from model import integer"),
        ("model.integer", "from sparsespike import compiler"),
        ("model.integer", "from ..sim import kernels"),
        ("reports.energy", "from sim.simulate import simulate"),
        ("cocotb_tests.benches.bench_lane", "import hw.lane"),
        ("cocotb_tests.benches.bench_lane", "from ..scoreboard import compare"),
        ("cocotb_tests.cosim", "import sparsespike.cli.main"),
    ],
)
def test_the_check_catches(module, source):
    assert list(_violations(_imported(source, module, False), module))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("sim.simulate", "from sparsespike.contract import derived\nimport numpy"),
        ("sparsespike.cli.cosim", "import hw.engine, sim.kernels, model.data"),
        ("cocotb_tests.cosim", "import hw.engine\nfrom sim import simulate"),
        ("cocotb_tests.benches.bench_lane", "from cocotb_tests.benches import streams"),
        (
            "hw.engine",
            "from hw.lane import Lane\nfrom sparsespike.contract import config",
        ),
        ("sparsespike.cli.main", "from sparsespike import __version__"),
    ],
)
def test_the_check_lets_pass(module, source):
    assert not list(_violations(_imported(source, module, False), module))
