"""`list` and `schema` print what exists, and the same as JSON."""

import json

import pytest

from model.recipe import load_recipe, recipe_names
from reports.technology import Technology, load_technology
from sparsespike.contract.config import EngineConfig, engine_presets, load_engine


def test_list_engines(run, tmp_path):
    outcome = run("list", "engines", "--json", tmp_path / "list.json")
    assert outcome.code == 0
    rows = json.loads((tmp_path / "list.json").read_text())["engines"]
    assert [row["name"] for row in rows] == engine_presets()
    for row in rows:
        name = row.pop("name")
        assert name in outcome.out
        assert EngineConfig(**row) == load_engine(name)


def test_list_everything(run, tmp_path):
    outcome = run("list", "--json", tmp_path / "list.json")
    assert outcome.code == 0
    result = json.loads((tmp_path / "list.json").read_text())
    assert set(result) == {"networks", "engines", "technologies", "recipes", "spaces", "meta"}
    names = [row["name"] for row in result["networks"]]
    assert {"nano", "tiny"} <= set(names)
    assert "horowitz-45nm" in outcome.out


def test_list_recipes(run, tmp_path):
    outcome = run("list", "recipes", "--json", tmp_path / "list.json")
    rows = json.loads((tmp_path / "list.json").read_text())["recipes"]
    assert [row["name"] for row in rows] == list(recipe_names())
    for row in rows:
        recipe = load_recipe(row["name"])
        assert row["name"] in outcome.out
        assert row["dense_epochs"] == sum(cycle.epochs for cycle in recipe.dense)
        assert row["classes"] == recipe.network.classes


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("engine", "lanes"),
        ("network", "dim"),
        ("technology", "events"),
        ("recipe", "dense"),
        ("space", "objectives"),
    ],
)
def test_schema_prints_json(run, kind, field):
    outcome = run("schema", kind)
    assert outcome.code == 0
    schema = json.loads(outcome.out)
    assert field in schema["properties"]
    assert schema["additionalProperties"] is False


def test_schema_of_everything_to_a_file(run, tmp_path):
    outcome = run("schema", "--json", tmp_path / "schema.json")
    written = json.loads((tmp_path / "schema.json").read_text())
    assert set(written) == {"engine", "network", "technology", "recipe", "space", "meta"}
    printed = json.loads(outcome.out)
    assert printed["engine"] == written["engine"]


def test_the_schema_knows_every_field_of_a_shipped_table():
    fields = set(Technology.model_json_schema()["properties"])
    assert set(load_technology("horowitz-45nm").model_dump()) == fields
