"""Segments in two surveys: how many there are, what they explain, and what they foretell out of sample."""

import numpy as np
import pandas as pd
from scipy.stats import chi2

from crmlab.data.segments import PERCEPTIONS
from crmlab.models.hierarchical_logit import fit_hierarchical_logit
from crmlab.models.latent_class import bootstrap_agreement, fit_latent_classes
from crmlab.models.mixture_logit import Panel, fit_mixture_logit
from crmlab.models.threads import one_blas_thread, one_openmp_thread

HELD_OUT = 3  # each person's last choices


# How many classes: McDonald's ----------------------------------------------------------------------------


def number_of_classes(answers: pd.DataFrame, most: int = 8, pairs: int = 25, seed: int = 1) -> pd.DataFrame:
    """Fit and stability of 2 to `most` groups.

    Parameters
    ----------
    answers : DataFrame
        With the columns of `PERCEPTIONS`, 0 or 1.
    most : int
    pairs : int
        Pairs of bootstrap samples.
    seed : int

    Returns
    -------
    DataFrame
        Index classes; columns ``bic`` (of latent classes) and ``agreement`` (mean adjusted Rand index of
        k-means on bootstrap samples).
    """
    from sklearn.cluster import KMeans

    table = answers[list(PERCEPTIONS)].to_numpy(dtype=float)
    rows = {}
    for classes in range(2, most + 1):

        def assign(sample, draw, classes=classes):
            return KMeans(classes, n_init=10, random_state=draw).fit(sample).predict

        with one_blas_thread(), one_openmp_thread():
            rows[classes] = {
                "bic": fit_latent_classes(table, classes, seed=seed).bic,
                "agreement": bootstrap_agreement(table, assign, pairs, seed).mean(),
            }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("classes")


def explained(survey: pd.DataFrame, classes: int = 4) -> pd.DataFrame:
    """What demography and what classes of perceptions explain of liking and of visits: shares of variance.

    Parameters
    ----------
    survey : DataFrame
        As `crmlab.data.load_mcdonalds` returns it.
    classes : int
        Latent classes; each row counts for the class it most likely belongs to.
    """
    answers = survey[list(PERCEPTIONS)].to_numpy(dtype=float)
    member = fit_latent_classes(answers, classes, seed=1).memberships(answers).argmax(axis=1)
    regressors = {
        "age and gender": survey[["age", "woman"]].to_numpy(dtype=float),
        f"{classes} classes": np.eye(classes)[member][:, 1:],
    }
    outcomes = {"liking": survey["like"], "log visits": np.log1p(survey["visits"])}
    return pd.DataFrame(
        {
            name: {by: _r_squared(outcome.to_numpy(dtype=float), x) for by, x in regressors.items()}
            for name, outcome in outcomes.items()
        }
    )


def _r_squared(outcome, regressors):
    matrix = np.column_stack([np.ones(len(outcome)), regressors])
    residual = outcome - matrix @ np.linalg.lstsq(matrix, outcome, rcond=None)[0]
    return 1 - (residual**2).sum() / ((outcome - outcome.mean()) ** 2).sum()


# Who takes which card ------------------------------------------------------------------------------------


def card_panel(choices: pd.DataFrame, people: pd.DataFrame, demography: bool = False) -> Panel:
    """The choices as a panel: the first card against the second, whose attributes are set to zero.

    Parameters
    ----------
    choices, people : DataFrame
        As `crmlab.data.load_bank` returns them.
    demography : bool
        With each attribute's products with age, income and gender, standardised over people.
    """
    different = choices.drop(columns=["id", "choice"]).to_numpy(dtype=float)
    ids, person = np.unique(choices["id"], return_inverse=True)
    if demography:
        about = people.loc[ids]
        scores = ((about - about.mean()) / about.std(ddof=0)).to_numpy()[person]
        different = np.column_stack([different, *(different * scores[:, [k]] for k in range(3))])
    attributes = np.stack([different, np.zeros_like(different)], axis=1)
    return Panel(attributes, 1 - choices["choice"].to_numpy(), person)


def demography_tested(choices: pd.DataFrame, people: pd.DataFrame) -> dict[str, float]:
    """The likelihood ratio test of demography in all choices: statistic, degrees of freedom, p-value."""
    fits = [fit_mixture_logit(card_panel(choices, people, with_it), 1) for with_it in (False, True)]
    ratio = 2 * (fits[1].log_likelihood - fits[0].log_likelihood)
    freedom = fits[1].coefficients.size - fits[0].coefficients.size
    return {"statistic": ratio, "degrees_of_freedom": freedom, "p_value": float(chi2.sf(ratio, freedom))}


def out_of_sample(choices: pd.DataFrame, people: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """What each way of segmenting foretells of every person's last three choices, from all before them.

    Returns
    -------
    DataFrame
        One row a model; columns ``log_likelihood`` (a choice held out), ``hits`` (share foretold right),
        ``gain`` (in log likelihood a choice over the pooled logit) and ``standard_error`` of that, with
        people as clusters.
    """
    late = (choices.groupby("id").cumcount(ascending=False) < HELD_OUT).to_numpy()
    before, after = (card_panel(choices, people).half(rows) for rows in (~late, late))
    with_it = card_panel(choices, people, demography=True)
    with one_blas_thread():
        said = {
            "everybody alike": fit_mixture_logit(before, 1).log_chances(after),
            "demography": fit_mixture_logit(with_it.half(~late), 1).log_chances(with_it.half(late)),
            "two classes": fit_mixture_logit(before, 2, starts=3, seed=seed).log_chances(after),
            "one to one": fit_hierarchical_logit(before).log_chances(after, seed=seed),
        }
    rows = {}
    for name, each in said.items():
        more = each - said["everybody alike"]
        away = after.by_person(more - more.mean())
        error = np.sqrt((away**2).sum()) / len(more)
        rows[name] = [each.mean(), (each > np.log(0.5)).mean(), more.mean(), error]
    columns = ["log_likelihood", "hits", "gain", "standard_error"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)
