"""The numbers that the sources claim, each as a quantity between two values, and which exclude each other.

s2's sentences are ``002``'s of the curriculum: a web article in Chinese. Several readings of one claim stand
side by side where its words allow several.
"""

from dataclasses import dataclass

import numpy as np

from crmlab.claims.audit import QuantitativeClaim

EIGHTY, TENTH, MORE_LOYAL = "80/20", "5-10倍", "忠诚客户每增加5%"
DEARER, LISTEN, ALL, NEED_NOT = (
    "3至5倍",
    "7分话顾客说,3分话客服说",
    "让客户100%满意",
    "并不一定会导致重复购买",
)

_ALL = [
    QuantitativeClaim(
        "80-20", "top-fifth-sales", 0.75, 0.85, EIGHTY, "s2",
        "The best fifth of buyers bring 75 to 85% of a year's sales.",
    ),
    QuantitativeClaim(
        "80-20-profit", "top-fifth-profit", 0.75, 0.85, EIGHTY, "s2",
        "The best fifth of buyers bring 75 to 85% of a year's profit: what the source says.",
    ),
    QuantitativeClaim(
        "80-20-next-year", "top-fifth-next-year", 0.75, np.inf, EIGHTY, "s2",
        "This year's best fifth also bring at least 75% of the same buyers' sales next year.",
    ),
    QuantitativeClaim(
        "5-10-times", "decile-ratio", 5, 10, TENTH, "s2",
        "The best tenth of buyers bring 5 to 10 times what the worst tenth bring, in the same year.",
    ),
    QuantitativeClaim(
        "5-10-times-next-year", "decile-ratio-next-year", 5, 10, TENTH, "s2",
        "Next year, this year's best tenth bring 5 to 10 times what its worst tenth bring.",
    ),
    QuantitativeClaim(
        "25-90", "gain-of-retention", 0.25, 0.90, MORE_LOYAL, "s2",
        "Five points of retention raise customer value by 25 to 90%, all alike: the textbook's case.",
    ),
    QuantitativeClaim(
        "25-90-differing", "gain-of-retention-differing", 0.25, 0.90, MORE_LOYAL, "s2",
        "The same, where customers differ in how soon they leave.",
    ),
    QuantitativeClaim(
        "25-90-as-written", "gain-of-more-loyal", 0.25, 0.90, MORE_LOYAL, "s2",
        "5% more loyal customers raise profit by 25 to 90%: the source's own words.",
    ),
    QuantitativeClaim(
        "25-90-turned", "gain-of-turned-loyal", 0.25, 0.90, MORE_LOYAL, "s2",
        "Five in a hundred customers turned loyal raise profit by 25 to 90%.",
    ),
    QuantitativeClaim(
        "3-5-times", "cost-ratio-average", 3, 5, DEARER, "s2",
        "A customer won costs 3 to 5 times a customer kept, counting those who come and stay anyway.",
    ),
    QuantitativeClaim(
        "3-5-times-additional", "cost-ratio-incremental", 3, 5, DEARER, "s2",
        "One more customer won costs 3 to 5 times one more customer kept.",
    ),
    QuantitativeClaim(
        "7-3", "listening-share", 0.65, 0.75, LISTEN, "s1",
        "A call goes best when the customer talks 65 to 75% of it.",
    ),
    QuantitativeClaim(
        "all-satisfied", "satisfied-share", 0.995, np.inf, ALL, "s1",
        "All customers are satisfied, that is 99.5% and more (a slogan).",
    ),
    QuantitativeClaim(
        "need-not-repurchase", "renewal-of-satisfied", -np.inf, 0.9, NEED_NOT, "s2",
        "Fewer than nine in ten satisfied customers renew. (That not all do holds in every market.)",
    ),
    QuantitativeClaim(
        "satisfaction-idle", "renewal-for-satisfaction", -0.05, 0.05, NEED_NOT, "s2",
        "Satisfied customers renew within five points of the average: the strongest reading.",
    ),
]  # fmt: skip
NUMBERS: dict[str, QuantitativeClaim] = {each.name: each for each in _ALL}


@dataclass(frozen=True)
class Exclusion:
    """Two claims that cannot both hold, and why.

    Attributes
    ----------
    first, second : str
        Names in `NUMBERS`.
    why : str
        The proof, in a few sentences.
    """

    first: str
    second: str
    why: str


EXCLUSIONS = [
    Exclusion(
        "80-20",
        "5-10-times",
        "If nobody brings less than nothing and the best fifth bring a share L, the best tenth bring at "
        "least L/2 and the worst tenth at most (1 − L)/8: a ratio of at least 4L/(1 − L). That is 12 at "
        "L = 75% and 16 at 80%. Ten times allows at most 71%, five times at most 56%.",
    ),
    Exclusion(
        "80-20-profit",
        "25-90-as-written",
        "If the loyal bring 80% of profit, 5% more of them bring 4% more profit. 25% is out of reach: even "
        "where they bring everything it is 5%.",
    ),
]
