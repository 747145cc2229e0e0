"""Ratings, complaints and a mailing experiment: the numbers of lesson 17, from the files themselves."""

import numpy as np
import statsmodels.formula.api as smf

from crmlab.data import load_cfpb, load_coat, load_hillstrom, load_movielens
from crmlab.models.two_way import slope_within


def test_chosen_coats_get_more_stars_than_coats_by_lot_and_there_is_no_j(real_data):
    chosen, random = load_coat()
    assert (chosen.notna().sum(axis=1) == 24).all() and (random.notna().sum(axis=1) == 16).all()
    gap = chosen.mean(axis=1) - random.mean(axis=1)
    assert (round(chosen.stack().mean(), 3), round(random.stack().mean(), 3)) == (2.611, 2.229)
    assert round(gap.mean(), 3) == 0.383 and round(gap.sem(), 3) == 0.027
    shares = random.stack().value_counts(normalize=True).sort_index()
    chances = chosen.stack().value_counts().sort_index() / (shares * chosen.size)
    assert chances.round(3).tolist() == [0.054, 0.085, 0.091, 0.106, 0.153]


def test_stars_fall_with_every_review_and_a_third_of_that_is_who_comes_later():
    stars = load_movielens()
    stars = stars[stars.groupby("film").stars.transform("size") >= 20]
    stars = stars.sort_values(["film", "time"], kind="stable")
    order = np.log(stars.groupby("film").cumcount() + 1)
    films = slope_within(stars.stars, order, stars.film)
    both = slope_within(stars.stars, order, stars.film, stars.user)
    assert (round(films.value, 3), round(films.errors[0], 3)) == (-0.097, 0.005)
    assert (round(both.value, 3), round(both.errors[0], 3)) == (-0.063, 0.008)
    assert round(both.errors[1], 3) == 0.013
    ends = stars.groupby("film").stars.apply(lambda s: s.iloc[:5].mean() - s.iloc[-5:].mean())
    assert (round(ends.mean(), 2), round(ends.sem(), 3)) == (0.26, 0.018)


def test_whom_no_mail_reached_spends_alike_on_one_channel_and_on_several(real_data):
    customers = load_hillstrom()
    customers["several"] = (customers.channel == "Multichannel") * 1.0
    past = customers.groupby("several").history.mean()
    assert past.round().tolist() == [204, 521]
    controls = customers[customers.segment == "No E-Mail"]
    known = "+ np.log(history) + recency + mens + womens + newbie + zip_code"
    found = {}
    for outcome, more in (("spend", ""), ("visit", ""), ("visit", known)):
        fit = smf.ols(f"{outcome} ~ several {more}", controls).fit(cov_type="HC1")
        found[outcome, bool(more)] = fit.params["several"], fit.bse["several"]
    assert np.allclose(found["spend", False], (-0.042, 0.212), atol=0.001)
    assert np.allclose(found["visit", False], (0.0255, 0.0069), atol=0.0001)
    assert np.allclose(found["visit", True], (-0.004, 0.008), atol=0.0006)


def test_who_got_relief_disputes_less_and_a_late_answer_shows_no_effect(real_data):
    complaints = load_cfpb()
    closed = complaints[complaints.response.str.startswith("Closed with") & complaints.disputed.notna()]
    means = closed.groupby("response").disputed.agg(["mean", "size"])
    assert means["size"].tolist() == [2468, 215, 380]
    assert means["mean"].round(3).tolist() == [0.213, 0.074, 0.108]
    fit = smf.ols("disputed ~ response + product + channel + late", closed).fit(cov_type="HC1")
    money, other = (f"response[T.Closed with {kind} relief]" for kind in ("monetary", "non-monetary"))
    assert np.allclose([fit.params[money], fit.bse[money]], (-0.141, 0.022), atol=0.001)
    assert np.allclose([fit.params[other], fit.bse[other]], (-0.094, 0.019), atol=0.001)
    assert np.allclose([fit.params["late"], fit.bse["late"]], (-0.031, 0.053), atol=0.003)
