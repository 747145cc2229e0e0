"""A theory is a design: a market, its hypotheses and their tests. ``simulate → test → diagnose``."""

import html
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from crmlab.design.analysing import Analysis, analyse
from crmlab.design.cohort import Cohort
from crmlab.design.constructs import Construct, Diagram
from crmlab.design.diagnosis import Diagnosis, diagnose
from crmlab.design.estimate import Hypothesis
from crmlab.design.multiplicity import corrected
from crmlab.design.parameters import Parameters
from crmlab.design.solving import Solution, solve
from crmlab.design.streams import Streams, seed_tuple
from crmlab.design.variations import Variations, grid
from crmlab.errors import InputError, check_known, listing
from crmlab.words import translated, words
from crmlab.words.layout import headings


@dataclass(frozen=True)
class AtEdge:
    """In a preset, in place of a number: the value at which a hypothesis just fails.

    Parameters
    ----------
    hypothesis : str
    bracket : (float, float)
        Two values of the parameter, on either side of that one.

    Examples
    --------
    >>> presets = {"null": {"expectation_effect": AtEdge("H1b", (0, 1))}}
    """

    hypothesis: str
    bracket: tuple[float, float]


@dataclass(frozen=True)
class Design:
    """A market whose truth is known, and what is claimed of it.

    Parameters
    ----------
    name, title, claim : str
        The theory's name, its title and its claim in one sentence.
    parameters : Parameters
        The truth.
    presets : dict of str to dict
        Changes to `parameters`, by name; `null`, `literature`, `claim` and `trap` in every lesson. A change
        may be an `AtEdge`, which is found when the preset is taken.
    model : callable
        ``(parameters, streams) -> Cohort``. With `batched` it must treat the last axis of every draw as
        the rows, so that many cohorts can be drawn at once.
    hypotheses : sequence of Hypothesis
    batched : bool
        Whether the model may be given many simulations' streams at once.
    together : callable, optional
        ``(parameters, list of streams) -> list of Cohort``, where a model that is not batched draws several
        cohorts faster side by side: the same as `model` draws one by one.
    constructs : dict of str to Construct, optional
        The glossary: labels and definitions of columns and concepts, by name.
    diagram : Diagram, optional
        What causes what in the market.

    Examples
    --------
    >>> from crmlab.theories.loyalty import design
    >>> diagnosis = design.preset("trap").only("H2").diagnose(sims=200, seed=1)
    >>> bool(diagnosis.row("H2", "naive", preset="trap").rejection_rate > 0.5)
    True
    """

    name: str
    title: str
    claim: str
    parameters: Parameters
    presets: Mapping[str, Mapping]
    model: Callable = field(repr=False)
    hypotheses: Sequence[Hypothesis]
    batched: bool = False
    together: Callable | None = field(default=None, repr=False)
    constructs: Mapping[str, Construct] = field(default_factory=dict, repr=False)
    diagram: Diagram | None = field(default=None, repr=False)
    preset_name: str = "default"
    # values that the preset in force has replaced
    overridden: Mapping = field(default_factory=dict, repr=False)
    # all hypotheses of the theory, of which `hypotheses` may be some: presets at an edge refer to them
    declared: Sequence[Hypothesis] = field(default=(), repr=False)

    def __post_init__(self):
        names = [hypothesis.name for hypothesis in self.hypotheses]
        if not names:
            raise InputError(f"hypotheses of {self.name} is empty; give at least one")
        if len(set(names)) < len(names):
            raise InputError(f"hypotheses of {self.name} share names: {listing(names)}")
        if not self.declared:
            object.__setattr__(self, "declared", tuple(self.hypotheses))
        for preset, changes in self.presets.items():
            with _of_preset(preset):
                check_known("parameter", changes, self.parameters.names())
                edges = [each.hypothesis for each in changes.values() if isinstance(each, AtEdge)]
                check_known("hypothesis", edges, [each.name for each in self.declared])

    def preset(self, name: str) -> "Design":
        """The design under one of its presets, in place of the preset that it was under.

        Raises
        ------
        InputError
            If the preset is unknown, or impossible with the parameters that were changed by hand.
        """
        check_known("preset", [name], self.presets)
        changes = self.presets[name]
        edges = {changed: value for changed, value in changes.items() if isinstance(value, AtEdge)}
        plain = {**vars(self.parameters), **self.overridden}
        fixed = {  # a parameter to be put at an edge begins at one end of its bracket
            changed: edges[changed].bracket[0] if changed in edges else value
            for changed, value in changes.items()
        }
        with _of_preset(name):
            parameters = self.parameters.replace(**{**self.overridden, **fixed})
            for changed, edge in edges.items():
                value = self._edge(parameters, edge.hypothesis, changed, edge.bracket)
                parameters = parameters.replace(**{changed: value})
        overridden = {changed: plain[changed] for changed in changes}
        return replace(self, parameters=parameters, preset_name=name, overridden=overridden)

    def changes(self, preset: str) -> dict[str, Any]:
        """What a preset changes, as numbers: those at an edge are found."""
        parameters = self.preset(preset).parameters
        return {name: getattr(parameters, name) for name in self.presets[preset]}

    def at_edge(self, hypothesis: str, parameter: str, bracket: tuple[float, float]) -> "Design":
        """The design with one parameter where a hypothesis just fails: where the size of its test is largest.

        Parameters
        ----------
        hypothesis : str
            At its null or, with direction ``within``, at its margin.
        parameter : str
        bracket : (float, float)
            Two values of the parameter, on either side of that one.

        Raises
        ------
        InputError
            If the estimand does not cross the edge between the two values.
        """
        check_known("parameter", [parameter], self.parameters.names())
        check_known("hypothesis", [hypothesis], [each.name for each in self.declared])
        return self.replace(**{parameter: self._edge(self.parameters, hypothesis, parameter, bracket)})

    def _edge(self, parameters, name, parameter, bracket):
        (hypothesis,) = [each for each in self.declared if each.name == name]

        def beyond(value):
            return hypothesis.edge(float(hypothesis.truth(parameters.replace(**{parameter: float(value)}))))

        low, high = bracket
        if np.sign(beyond(low)) == np.sign(beyond(high)) != 0:
            raise InputError(
                f"bracket of {parameter} is {low} to {high}; "
                f"{name} must hold at one of them and not at the other"
            )
        return float(brentq(beyond, low, high, xtol=1e-15, rtol=1e-15))

    def replace(self, **changes: Any) -> "Design":
        """The design with some parameters changed; an unknown name is refused with the known ones listed."""
        parameters = self.parameters.replace(**changes)
        kept = {name: value for name, value in self.overridden.items() if name not in changes}
        return replace(self, parameters=parameters, overridden=kept)

    def only(self, *names: str) -> "Design":
        """The design with only these hypotheses."""
        check_known("hypothesis", names, [each.name for each in self.hypotheses])
        return replace(self, hypotheses=[each for each in self.hypotheses if each.name in names])

    def with_estimators(self, *names: str) -> "Design":
        """The design with only these estimators; hypotheses left with none go."""
        known = dict.fromkeys(name for each in self.hypotheses for name in each.estimators)
        check_known("estimator", names, known)
        kept = []
        for each in self.hypotheses:
            estimators = {name: one for name, one in each.estimators.items() if name in names}
            if estimators:
                kept.append(replace(each, estimators=estimators))
        return replace(self, hypotheses=kept)

    def hypothesis(self, name: str) -> Hypothesis:
        """One hypothesis by name."""
        return self.only(name).hypotheses[0]

    def label(self, name: str) -> str:
        """What to write at an axis or item: the construct's label, or the name with spaces."""
        return self.constructs[name].label if name in self.constructs else name.replace("_", " ")

    def glossary(self) -> pd.DataFrame:
        """The constructs: columns ``label`` and ``definition``, by name."""
        rows = {name: (each.label, each.definition) for name, each in self.constructs.items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=["label", "definition"])

    def vary(self, **grids: Iterable) -> Variations:
        """The design at every combination of the given parameter values.

        Parameters
        ----------
        **grids : sequence
            Values by parameter name; ``preset`` is a name too: ``vary(preset=["null", "trap"])``.
        """
        check_known("parameter", grids, ["preset", *self.parameters.names()])
        if not grids:
            raise InputError(
                f"nothing to vary; name preset or a parameter: {listing(self.parameters.names())}"
            )
        grids = {name: grid(name, values) for name, values in grids.items()}
        points = [dict(zip(grids, values)) for values in itertools.product(*grids.values())]
        return Variations([(point, self._at(**point)) for point in points])

    def _at(self, preset=None, **changes):
        return (self.preset(preset) if preset is not None else self).replace(**changes)

    def simulate(self, seed: int | tuple[int, ...]) -> Cohort:
        """One cohort.

        Parameters
        ----------
        seed : int or tuple of int
            ``(seed, i)`` is the cohort that ``diagnose(seed=seed)`` drew as its simulation *i*.
        """
        seed = seed_tuple(seed)
        cohort = self.model(self.parameters, Streams(seed))
        cohort.parameters = self.parameters
        cohort.seed = seed[0] if len(seed) == 1 else seed
        return cohort

    def test(self, cohort: Cohort, correction: str = "none") -> pd.DataFrame:
        """Every estimator of every hypothesis on a cohort, beside the truth.

        Parameters
        ----------
        cohort : Cohort
        correction : {"none", "holm"}
            ``holm`` adds the columns ``p_holm`` and ``verdict_holm``: each estimator's tests as one family,
            a hypothesis that lacks the estimator giving its headline.

        Returns
        -------
        DataFrame
            Columns hypothesis, estimator, estimate, standard_error, low, high, p_value, truth, verdict;
            ``attrs["hypotheses"]`` has each hypothesis' claim and unit, for pictures.
        """
        if not isinstance(cohort, Cohort):
            raise InputError(f"cohort is a {type(cohort).__name__}; give what design.simulate() returned")
        parameters = cohort.parameters if cohort.parameters is not None else self.parameters
        rows = []
        for hypothesis in self.hypotheses:
            for name, estimator in hypothesis.estimators.items():
                estimate = estimator(cohort.tables)
                outcome = {
                    key: np.asarray(value).item() for key, value in hypothesis.confront(estimate).items()
                }
                rows.append(
                    {
                        "hypothesis": hypothesis.name,
                        "estimator": name,
                        "estimate": estimate.value,
                        "standard_error": estimate.standard_error,
                        "low": outcome["low"],
                        "high": outcome["high"],
                        "p_value": outcome["p_value"],
                        "truth": hypothesis.estimand(parameters),
                        "verdict": outcome["verdict"],
                    }
                )
        table = pd.DataFrame(rows)
        table.attrs["hypotheses"] = {each.name: (each.claim, each.unit) for each in self.hypotheses}
        return table if correction == "none" else corrected(table, self.hypotheses, correction)

    def analyse(self, tables: Any, sims: int = 200, seed: int = 1, **options: Any) -> Analysis:
        """Every estimator on tables of your own, beside what simulation says of it.

        Named and laid out as `simulate` does; `crmlab.analysis.analyse` reads files. `sims` is a world's
        simulations, 0 for none. See `crmlab.design.analysing`.
        """
        return analyse(self, tables, sims, seed, **options)

    def diagnose(
        self,
        sims: int | str = 500,
        seed: int = 1,
        jobs: int | None = None,
        progress: bool | None = None,
        diagnosands: Mapping[str, Callable] | None = None,
    ) -> Diagnosis:
        """What repeated simulation says about the design; see `Diagnosis`.

        Parameters
        ----------
        sims : int or str
            Cohorts to simulate; ``"mcse=0.005"`` simulates until no rejection rate and no coverage has a
            larger Monte-Carlo standard error.
        seed : int
            The same seed gives the same numbers, for any number of jobs.
        jobs : int, optional
            Processes; -1 for all cores. None: this process, or whatever `joblib.parallel_config` says,
            which may be a Dask or Ray cluster.
        progress : bool, optional
            Show a progress bar. None: if someone watches and it takes long.
        diagnosands : dict of str to callable, optional
            Your own, beside the built-in ones: each takes a `crmlab.design.diagnosands.Group` and returns a
            number, or a number and its Monte-Carlo standard error.
        """
        return diagnose([({"preset": self.preset_name}, self)], sims, seed, jobs, progress, diagnosands)

    def solve(
        self,
        hypothesis: str,
        power: float = 0.8,
        over: str = "n_customers",
        estimator: str | None = None,
        sims: int = 500,
        tolerance: float = 0.05,
        seed: int = 1,
        jobs: int | None = None,
    ) -> Solution:
        """The number of customers at which a hypothesis' test has a power, or the effect that it can see.

        Parameters
        ----------
        hypothesis : str
        power : float
            The target.
        over : str
            The parameter that is moved: ``"n_customers"``, or an effect, for the smallest that is seen.
        estimator : str, optional
            The headline if none is named.
        sims : int
            Simulations at each point.
        tolerance : float
            Simulate on until the 95% interval of the answer is within this share of it on both sides.
        seed : int
        jobs : int, optional
            As in `diagnose`.

        Raises
        ------
        InputError
            If no value of the parameter reaches the power; the message holds the powers found.

        Examples
        --------
        >>> from crmlab.theories.loyalty import design
        >>> answer = design.preset("literature").solve("H2", power=0.8, sims=200)
        >>> 70 < answer.value < 120
        True
        """
        return solve(self, hypothesis, power, over, estimator, sims, tolerance, seed, jobs)

    def __repr__(self):
        lines = [
            f"Design {self.name}: {self.claim}",
            f"  preset {self.preset_name} of {listing(self.presets)}",
            *(f"  {each!r}" for each in self.hypotheses),
            "  " + ", ".join(f"{name}={getattr(self.parameters, name)}" for name in self.parameters.names()),
        ]
        return "\n".join(lines)

    def _repr_html_(self):
        rows = "".join(
            f"<tr><th scope='row'>{html.escape(each.name)}</th>"
            f"<td style='text-align:left'>{html.escape(translated(each.claim))}</td>"
            f"<td style='text-align:left'>{html.escape(translated(each.unit))}</td>"
            f"<td style='text-align:right'>{each.estimand(self.parameters):.3g}</td>"
            f"<td style='text-align:left'>{html.escape(', '.join(map(translated, each.estimators)))}</td>"
            "</tr>"
            for each in self.hypotheses
        )
        head = headings("", "claim", "unit", "truth", "estimators")
        caption = words("design.caption", title=translated(self.title), preset=self.preset_name)
        table = f"<caption>{html.escape(caption)}</caption><thead>{head}</thead><tbody>{rows}</tbody>"
        return f"<table>{table}</table>" + self.parameters._repr_html_()


@contextmanager
def _of_preset(name):
    """Bad input found inside is told as one of this preset."""
    try:
        yield
    except InputError as error:
        raise InputError(f"preset {name}: {error}") from None
