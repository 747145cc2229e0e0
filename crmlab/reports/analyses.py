"""An analysis of a user's tables as files: a page to read offline, JSON, a notebook, the map."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from crmlab import files
from crmlab.analysis import OwnAnalysis, analyse
from crmlab.analysis.telling import not_tested
from crmlab.analysis.template import filled
from crmlab.pages import environment
from crmlab.plots.analysis import own_estimates, what_simulation_says
from crmlab.plots.style import png
from crmlab.reports import assumed, findings, folders
from crmlab.reports.analysis_notebook import notebook
from crmlab.reports.findings import Telling
from crmlab.reports.tables import plain
from crmlab.theories import design_of
from crmlab.words import translated, words
from crmlab.words.marks import as_html
from crmlab.words.saying import spoken

FOLDER = Path(__file__).resolve().parent
OURS = '<meta name="generator" content="crmlab analyse">'  # in every page of ours
FILES = ("index.html", "analysis.json", "analysis.ipynb", "map.toml")
SHARP = 150  # dots an inch
WORLDS = ("literature", "null", "trap")
ROUNDING = 1e-9  # standard deviations: a mean nearer to 0 is 0 but for the rounding of floats


def analysis_report(
    lesson: str,
    tables: Any,
    map: Any = None,  # noqa: A002 - what the flag is called, too
    *,
    out: str | Path | None = None,
    **options: Any,
) -> OwnAnalysis:
    """Test a theory's hypotheses on tables of your own, and write a report.

    Parameters
    ----------
    lesson, tables, map, **options
        See `crmlab.analysis.analyse`.
    out : path, optional
        Folder to write the report into; see `write`. None: nothing is written.

    Raises
    ------
    InputError
        On bad options or data. Nothing has been written then.
    """
    if out is not None:
        checked(out)
    own = analyse(lesson, tables, map, **options)
    if out is not None:
        write(own, out, tables, options.get("joined", ()))
    return own


def checked(out: str | Path) -> Path:
    """The folder of a report; InputError if it cannot be one, or holds files of another's."""
    return folders.checked(out, FILES, OURS)


def write(own: OwnAnalysis, out: str | Path, sources: Any = None, joined: Any = ()) -> Path:
    """Write ``index.html``, ``analysis.json``, ``analysis.ipynb``, ``map.toml`` and ``pictures/``.

    Parameters
    ----------
    sources, joined : as `crmlab.analysis.analyse` takes them, optional
        What the notebook is to read: paths are written into it. Frames are written beside it as CSV.

    Returns
    -------
    pathlib.Path
        Of ``index.html``.
    """
    folder = checked(out)
    held = drawn(own, folder / "pictures")
    said = json.dumps(as_json(own), indent=1, ensure_ascii=False, allow_nan=False)
    files.write_text(folder / "analysis.json", said + "\n")
    files.write_text(
        folder / "map.toml",
        filled(
            own.needs,
            own.prepared.matched,
            as_it_is=own.settings["as_it_is"],
            rules=None if own.firm is None else own.firm.rules,
        ),
    )
    files.write_text(folder / "analysis.ipynb", notebook(own, folder, sources, joined))
    return files.write_text(folder / "index.html", page(own, held))


def page(own: OwnAnalysis, held: dict[str, dict[str, Any]]) -> str:
    """The page's HTML."""
    telling = Telling(own)
    rows = [
        words("analyse.rows_left" if used < of else "analyse.rows", rows=of, used=used, sample=sample)
        for sample, (of, used) in own.prepared.rows.items()
    ]
    about = {"files": ", ".join(own.settings["files"]), "rows": ", ".join(rows), "lesson": own.lesson}
    return (
        environment(FOLDER, filters={"marked": lambda text: Markup(as_html(text))})
        .get_template("analysis.html.j2")
        .render(
            own=own,
            ours=OURS,
            title=translated(own.design.title),
            claim=translated(own.design.claim),
            about=words("analyse.about", **about, sims=own.settings["sims"], seed=own.settings["seed"]),
            facts=telling.facts(),
            short=telling.short(),
            verdicts=telling.verdicts(),
            sections=telling.sections(),
            pictures=held,
            assumptions=assumption_rows(own),
            columns=column_rows(own),
            told=[spoken(each) for each in own.prepared.told],
            margins=[_margin(each) for each in own.margins],
            untested=_untested(own),
        )
    )


def _margin(margin: Any) -> str:
    facts = vars(margin) | {"statistic": words(f"analyse.statistic_{margin.statistic}")}
    facts |= {name: str(facts[name]).replace("_", " ") for name in ("parameter", "column")}
    return words("analyse.simulation_margin", **facts)


def _untested(own: OwnAnalysis) -> list[tuple[str, str, str]]:
    claims = {each.name: translated(each.claim) for each in design_of(own.design.name).hypotheses}
    return [(name, claims[name], why) for name, why in not_tested(own)]


def assumption_rows(own: OwnAnalysis) -> list[dict[str, Any]]:
    """The table of assumptions: those of a name and status together, the worst first."""
    groups: dict[tuple[str, str, str], list[Any]] = {}
    for each in own.assumptions:
        status, name = each.finding.status, each.finding.name
        head = assumed.title(each)
        groups.setdefault((status, name, head), []).append(each)
    return [
        {
            "status": status,
            "label": words(f"checks.status_{status}"),
            "title": head,
            "means": assumed.means(every[0]),
            "found": list(dict.fromkeys(_found(each, len(every) == 1) for each in every)),
            "remedy": list(dict.fromkeys(filter(None, map(assumed.remedy, every)))),
            "of": ", ".join(dict.fromkeys(name for each in every for name, _ in each.of)),
        }
        for (status, _, head), every in groups.items()
    ]


def _found(each: Any, alone: bool) -> str:
    """What a check found, with the estimates that it is about where several are told together."""
    text = assumed.found_of(each)
    if alone or each.finding.status == "unknown" or not each.of:
        return text
    return ", ".join(f"{name} {translated(one)}" for name, one in each.of) + ": " + text


def column_rows(own: OwnAnalysis) -> list[list[str]]:
    """The table of columns: name, the user's name, kind, rows, mean, standard deviation, range."""
    rows = []
    for row in own.columns.itertuples():
        least, most = findings.number(row.least), findings.number(row.most)
        known = np.isfinite(row.mean)
        rows.append(
            [
                row.column.replace("_", " "),
                row.yours,
                words(f"analyse.kind_{row.kind}"),
                f"{row.rows:,}",
                findings.number(0.0 if abs(row.mean) < ROUNDING * row.spread else row.mean) if known else "–",
                findings.number(row.spread) if known else "–",
                f"{least} – {most}" if known else f"{row.distinct:,}",
            ]
        )
    return rows


# Pictures -----------------------------------------------------------------------------------------------


def drawn(own: OwnAnalysis, folder: Path) -> dict[str, dict[str, Any]]:
    """Draw the pictures into a folder; returns name -> file, alt text, caption and size."""
    shown = {}
    for name, figure, alt, caption in _every(own):
        with plt.rc_context({"savefig.dpi": SHARP}):
            files.write_bytes(folder / f"{name}.png", png(figure))
        width, height = (figure.get_size_inches() * 96).round().astype(int)
        plt.close(figure)
        shown[name] = {
            "file": f"{name}.png",
            "alt": alt,
            "caption": caption,
            "width": width,
            "height": height,
        }
    for path in folder.glob("*.png"):  # of an earlier report that tested more
        if path.stem not in shown and path.stem.startswith(("H", "worlds")):
            path.unlink()
    return shown


def _every(own: OwnAnalysis) -> list[tuple[str, Figure, str, str]]:
    telling, found = Telling(own), []
    for each in own.design.hypotheses:
        rows = telling.computed(each)
        if not rows or not all(np.isfinite([row.low, row.high, row.estimate]).any() for row in rows):
            continue
        figure = own_estimates(pd.DataFrame(rows), findings.region(each), each.unit)
        names = ", ".join(translated(row.estimator) for row in rows)
        caption = words(
            "analyse.caption_estimates",
            verdict=words(f"analyse.{rows[0].verdict}"),
            estimate=findings.interval(rows[0]),
        )
        found.append(
            (each.name, figure, words("analyse.alt_estimates", name=each.name, estimators=names), caption)
        )
    if not own.found.worlds.empty:
        names = list(dict.fromkeys(own.found.worlds["hypothesis"]))
        labels = {world: words(f"analyse.world_{world}") for world in WORLDS}
        figure = what_simulation_says(own.found.worlds, names, labels)
        caption = words("analyse.caption_worlds", finding=_worlds_finding(own, telling))
        found.append(("worlds", figure, words("analyse.alt_verdicts"), caption))
    return found


def _worlds_finding(own: OwnAnalysis, telling: Telling) -> str:
    rows = [row for each in own.design.hypotheses for row in telling.computed(each)]
    fooled = [row for row in rows if telling.fooled(row)]
    if fooled:
        worst = max(fooled, key=telling.false_yes)
        facts = {"hypothesis": worst.hypothesis, "name": translated(worst.estimator)}
        return words("analyse.worlds_bad", **facts, size=telling.false_yes(worst))
    mains = [telling.false_yes(row) for row in map(telling.main, own.design.hypotheses) if row is not None]
    return words("analyse.worlds_good", size=np.nanmax([*mains, 0.0]))


# For programs -------------------------------------------------------------------------------------------


def as_json(own: OwnAnalysis) -> dict[str, Any]:
    """What ``analysis.json`` holds."""
    claims = {each.name: each for each in own.design.hypotheses}
    estimates = []
    for row in own.found.estimates.to_dict("records"):
        key, hypothesis = (row["hypothesis"], row["estimator"]), claims[row["hypothesis"]]
        bears = own.sensitivity.get(key)
        estimates.append(
            row
            | {
                "claim": hypothesis.claim,
                "unit": hypothesis.unit,
                "headline": row["estimator"] == hypothesis.headline,
            }
            | {"lot": own.lots.get(key), "sensitivity": None if bears is None else vars(bears)}
        )
    assumptions = [vars(each.finding) | {"of": [list(key) for key in each.of]} for each in own.assumptions]
    return plain(
        {
            "lesson": own.lesson,
            "settings": dict(own.settings),
            "estimates": estimates,
            "worlds": own.found.worlds.to_dict("records"),
            "smallest": own.found.smallest.to_dict("records"),
            "assumptions": assumptions,
            "columns": own.columns.to_dict("records"),
            "left_out": dict(own.prepared.left_out),
            "margins": [vars(each) for each in own.margins],
            "limits": sorted(own.limits),
            "untested": {name: [list(each) for each in lacking] for name, lacking in own.untested.items()},
            "failed": {name: [list(each) for each in why] for name, why in own.failed().items()},
            "not_in_tables": [] if own.firm is None else own.firm.why_lacking(own.firm.lacking),
            "told": [spoken(each) for each in own.prepared.told],
            "crmlab": version("crmlab"),
        }
    )
