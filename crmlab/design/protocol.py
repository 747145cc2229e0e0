"""A design as a protocol of its simulation study, ready to be registered before it is run.

The headings are those of Morris, White & Crowther (2019), doi:10.1002/sim.8086: aims, data-generating
mechanisms, estimands, methods, performance measures.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from crmlab.design.diagnosands import BUILT_IN, DEFAULT
from crmlab.design.diagnosis import needed_simulations
from crmlab.errors import check_known
from crmlab.words import words

if TYPE_CHECKING:
    from crmlab.design.design import Design

WORST = 0.5  # the share whose Monte-Carlo error is largest


def ademp(
    design: Design, sims: int = 1000, seed: int = 1, measures: tuple[str, ...] = DEFAULT, version: str = ""
) -> str:
    """The protocol of ``design.vary(preset=[...]).diagnose(sims, seed)``, as Markdown.

    Parameters
    ----------
    design : Design
    sims, seed : int
        Of the study.
    measures : tuple of str
        Diagnosands that will be reported; the built-in ones' names.
    version : str
        Of the code that will run it.

    Returns
    -------
    str
        With every parameter, preset, hypothesis, estimator and the reason for the number of simulations.
    """
    check_known("measure", measures, BUILT_IN)
    parts = [
        f"# {words('protocol.title', title=design.title)}",
        words("protocol.about", version=version or words("protocol.unknown_version")),
        f"## {words('protocol.aims')}\n\n{words('protocol.aim', claim=design.claim)}",
        f"## {words('protocol.mechanisms')}\n\n{_mechanisms(design)}",
        f"## {words('protocol.estimands')}\n\n{_estimands(design)}",
        f"## {words('protocol.methods')}\n\n{_methods(design)}",
        f"## {words('protocol.performance')}\n\n{_performance(measures)}",
        f"## {words('protocol.simulations')}\n\n{_simulations(sims, seed)}",
    ]
    return "\n\n".join(parts) + "\n"


def _mechanisms(design) -> str:
    """The market's own description, its parameters, and what each preset changes."""
    described = " ".join((inspect.getdoc(design.model) or "").split("\n\n")[0].split())
    names = design.parameters.names()
    rows = [
        [f"`{name}`", _number(getattr(design.parameters, name)), *_about(design.parameters, name)]
        for name in names
    ]
    presets = [
        [
            f"`{preset}`",
            ", ".join(f"`{name}` = {_number(value)}" for name, value in design.changes(preset).items())
            or "–",
        ]
        for preset in design.presets
    ]
    return "\n\n".join(
        [
            *([described] if described else []),
            _table([words("protocol.parameter"), words("protocol.value"), words("protocol.unit"),
                    words("protocol.source")], rows),
            words("protocol.presets"),
            _table([words("protocol.preset"), words("protocol.changes")], presets),
        ]
    )  # fmt: skip


def _about(parameters, name: str) -> list[str]:
    metadata = parameters.__dataclass_fields__[name].metadata
    return [metadata.get("unit", ""), metadata.get("source", "")]


def _estimands(design) -> str:
    """Each hypothesis with its estimand's value in every preset: what is true is fixed before any data."""
    presets = list(design.presets)
    rows = []
    for each in design.hypotheses:
        truths = [_number(each.estimand(design.preset(preset).parameters)) for preset in presets]
        rows.append([each.name, each.claim, _claimed(each), each.unit, *truths])
    head = [words("protocol.hypothesis"), words("protocol.claim"), words("protocol.supported_if")]
    return _table([*head, words("protocol.unit"), *(f"`{preset}`" for preset in presets)], rows)


def _claimed(hypothesis) -> str:
    if hypothesis.direction == "within":
        return f"|θ − {hypothesis.null:g}| < {hypothesis.margin:g}"
    sign = {"!=": "≠"}.get(hypothesis.direction, hypothesis.direction)
    return f"θ {sign} {hypothesis.null:g}"


def _methods(design) -> str:
    rows = [
        [each.name, name, words("protocol.headline") if name == each.headline else "", f"{each.level:g}",
         _described(estimator)]
        for each in design.hypotheses
        for name, estimator in each.estimators.items()
    ]  # fmt: skip
    head = ["hypothesis", "estimator", "role", "level", "what"]
    return _table([words(f"protocol.{name}") for name in head], rows)


def _described(estimator) -> str:
    """What an estimator says of itself: its own text if it has one, else its documentation's first line."""
    own = repr(estimator)
    if not own.startswith("<"):
        return f"`{own}`"
    text = getattr(estimator, "__doc__", None) or type(estimator).__doc__ or ""
    return text.strip().splitlines()[0] if text.strip() else type(estimator).__name__


def _performance(measures: tuple[str, ...]) -> str:
    lines = []
    for name in measures:
        first = (BUILT_IN[name].__doc__ or "").strip().splitlines()
        lines.append(f"- **{words(f'labels.{name}')}** (`{name}`){': ' + first[0] if first else ''}")
    return "\n".join([*lines, "", words("protocol.failures")])


def _simulations(sims: int, seed: int) -> str:
    error = (WORST * (1 - WORST) / sims) ** 0.5
    five = (0.05 * 0.95 / sims) ** 0.5
    return words(
        "protocol.number",
        sims=sims,
        seed=seed,
        worst=f"{error:.4f}",
        at_five=f"{five:.4f}",
        needed=f"{needed_simulations(0.05, 0.005):,}",
    )


def _number(value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else f"{value}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
    )
