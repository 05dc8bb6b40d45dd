"""How much each knob decides each objective."""

import warnings

import optuna
import pandas as pd

from reports.explore.metrics import METRICS
from reports.explore.proposals import distributions
from reports.explore.space import Space

_FEWEST = 20
"""With fewer feasible points the shares would be noise."""


def importance(space: Space, table: pd.DataFrame) -> pd.DataFrame:
    """knob, objective, share: shares sum to 1 over the knobs that vary, for each objective.

    PED-ANOVA (Watanabe et al., IJCAI 2023): how much the best tenth of the points differs from all
    in that knob. Empty where there are fewer than 20 feasible points.
    """
    rows = table[table["feasible"]]
    knobs = [knob.label for knob in space.knobs if rows[knob.label].nunique() > 1]
    if len(rows) < _FEWEST or not knobs:
        return pd.DataFrame({"knob": [], "objective": [], "share": []})
    found = []
    for name in space.objectives:
        shares = _shares(space, rows, knobs, name)
        found += [{"knob": k, "objective": name, "share": shares.get(k, 0.0)} for k in knobs]
    return pd.DataFrame(found)


def _shares(space: Space, rows: pd.DataFrame, knobs: list[str], objective: str) -> dict[str, float]:
    """Knob -> share for one objective; all 0 where it does not vary."""
    values = rows[objective] * METRICS[objective].sign()
    if values.nunique() < 2:
        return {}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    space_of = {name: d for name, d in distributions(space).items() if name in knobs}
    choices = {name: list(d.choices) for name, d in space_of.items()}
    for row, value in zip(rows[knobs].to_dict("records"), values, strict=True):
        # The table may hold 8.0 where the knob has 8: the knob's own value is the category.
        params = {name: choices[name][choices[name].index(row[name])] for name in knobs}
        study.add_trial(
            optuna.trial.create_trial(
                params=params, distributions=dict(space_of), value=float(value)
            )
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))
