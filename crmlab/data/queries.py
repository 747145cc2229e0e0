"""From a transaction log to a customer summary, in SQL that DuckDB and Spark both run as it stands.

They ask a table ``log`` with the columns

    customer   of any type, NULL if missing
    day        DATE, NULL if missing
    amount     DOUBLE, NULL if missing; not asked for without money
    stamp      the time as it stands in the log, by which rows are alike; asked for by `duplicates_query`
    alone

and use one function that is not in every engine: ``unix_date(day)``, days since 1970. Spark has it; in DuckDB
it is ``CREATE MACRO unix_date(day) AS CAST(day - DATE '1970-01-01' AS INT)``.

Money is added in whole multiples of ``1 / scale``, held as DOUBLE, so sums below 2^53 of them are exact and
do not depend on the order of rows. (A sum of numbers of type BIGINT would be wider, and slower, in DuckDB.)

Examples
--------
On a cluster, or on a PySpark session of one's own (``pip install pyspark``, and a Java), with `orders` a
Spark DataFrame. These rules hold whatever the amounts are; `customer_summary` asks a shorter query where
there are no refunds and no amount is missing. It counts the rows that it leaves out, which here is the user's
to do:

>>> from datetime import date
>>> from crmlab.data.queries import Rules, summary_query
>>> rules = Rules(end=date(2024, 6, 30), split=date(2024, 3, 31), net_refunds=True, all_known=False)
>>> orders.selectExpr(
...     "buyer AS customer", "to_date(time) AS day", "CAST(paid AS DOUBLE) AS amount"
... ).createOrReplaceTempView("log")  # doctest: +SKIP
>>> unusable = spark.sql("SELECT COUNT(*) FROM log WHERE customer IS NULL OR day IS NULL")  # doctest: +SKIP
>>> summary = spark.sql(summary_query(rules))  # doctest: +SKIP
>>> table = summary.toPandas()  # one row a customer                # doctest: +SKIP
"""

from dataclasses import dataclass
from datetime import date

DAYS = {"D": 1.0, "W": 7.0, "M": 365.25 / 12.0, "Y": 365.25}
EPOCH = date(1970, 1, 1)

# The moment of a purchase as a whole number: a day, or a calendar week (from Monday), month or year.
MOMENTS = {
    "D": "unix_date(day)",
    "W": "CAST(FLOOR((unix_date(day) + 3) / 7.0E0) AS INT)",
    "M": "CAST(12 * EXTRACT(YEAR FROM day) + EXTRACT(MONTH FROM day) AS INT)",
    "Y": "CAST(EXTRACT(YEAR FROM day) AS INT)",
}

PURCHASES = """
WITH counted AS (      -- the rows that count
    SELECT customer, {moment} AS moment{later}{money}
    FROM log
    WHERE customer IS NOT NULL AND day <= DATE '{end}'{only}
),
purchases AS (         -- one row a customer and moment
    SELECT customer, moment{and_later}, CAST(COUNT(*) AS DOUBLE) AS bought{sums}
    FROM counted
    GROUP BY customer, moment{and_later}
)"""

# Refunds make no purchase: each lowers the amount of the customer's last purchase up to its day, if that has
# one: less than an unknown amount is unknown.
NETTED_PURCHASES = """
WITH counted AS (
    SELECT customer, {moment} AS moment{later}{money}, CASE WHEN amount < 0 THEN 0 ELSE 1 END AS purchase
    FROM log
    WHERE customer IS NOT NULL AND day <= DATE '{end}'{only}
),
moments AS (
    SELECT customer, moment{and_later}, SUM(purchase) AS bought, COUNT(*) - SUM(purchase) AS refunds{sums}
    FROM counted
    GROUP BY customer, moment{and_later}
),
numbered AS (          -- refunds alone have the number of the purchase before them, 0 if there is none
    SELECT *, SUM(CASE WHEN bought > 0 THEN 1 ELSE 0 END)
              OVER (PARTITION BY customer{and_later} ORDER BY moment) AS number
    FROM moments
),
purchases AS (
    SELECT customer, MIN(moment) AS moment{and_later}, SUM(bought) AS bought, SUM(refunds) AS refunds,
           {netted} AS units{known_sum}
    FROM numbered
    WHERE number > 0
    GROUP BY customer, number{and_later}
)"""

SUMMARY = """
SELECT customer,
       COUNT(*) - 1 AS frequency,
       (MAX(moment) - MIN(moment)) / {unit} AS recency,
       ({last} - MIN(moment)) / {unit} AS T{mean}{intervals},
       CAST(SUM(bought) AS BIGINT) AS row_count{refunds}
FROM {source}
GROUP BY customer"""

MEAN = """,
       COALESCE((SUM(units) - MIN_BY(units, moment)) / ({scale} * NULLIF({known_again}, 0)), 0) AS
       monetary_value"""

SPLIT_SUMMARY = """
SELECT customer,
       CAST(COUNT(*) - SUM(later) - 1 AS BIGINT) AS frequency,
       (MAX(CASE WHEN later = 0 THEN moment END) - MIN(moment)) / {unit} AS recency,
       ({last} - MIN(moment)) / {unit} AS T{mean},
       CAST(SUM(later) AS BIGINT) AS frequency_holdout{mean_holdout}{intervals},
       CAST(SUM(bought) AS BIGINT) AS row_count{refunds}
FROM {source}
GROUP BY customer
HAVING MIN(later) = 0"""

SPLIT_MEAN = """,
       COALESCE((SUM(CASE WHEN later = 0 THEN units ELSE 0 END) - MIN_BY(units, 2 * moment + later))
                / ({scale} * NULLIF({known_again}, 0)), 0) AS monetary_value"""

HOLDOUT_MEAN = """,
       COALESCE(SUM(later * units) / ({scale} * NULLIF({known_later}, 0)), 0) AS monetary_value_holdout"""

# Purchases with the logarithm of the time since the one before, in whole multiples of 1e-9, so that sums do
# not depend on the order of rows.
TIMED = """(
    SELECT *, ROUND(1.0E9 * LN(NULLIF(moment - LAG(moment) OVER (PARTITION BY customer ORDER BY moment), 0)
                               / {unit})) AS log_interval
    FROM purchases
) AS timed"""

LOG_INTERVALS = """,
       COALESCE(SUM({counted}), 0) / 1.0E9 AS log_intervals"""

# Repeat purchases of the customers who began by the end of calibration, a row a first moment and moment.
REPEATS = """
SELECT first, moment, COUNT(*) AS purchases
FROM purchases JOIN (SELECT customer AS one, MIN(moment) AS first FROM purchases GROUP BY customer) AS starts
     ON customer = one
WHERE first <= {split} AND moment > first
GROUP BY first, moment"""

# Customers who bought first after the end of calibration.
LATECOMERS = """
SELECT COUNT(*) AS customers, CAST(COALESCE(SUM(rows_of), 0) AS BIGINT) AS row_count
FROM (SELECT customer, SUM({rows_of}) AS rows_of FROM purchases
      GROUP BY customer HAVING MIN(later) = 1) AS latecomers"""

# Rows like another row before them in customer, time and amount.
DUPLICATES = """
SELECT COALESCE(SUM(alike - 1), 0) AS row_count
FROM (SELECT COUNT(*) AS alike FROM log
      WHERE customer IS NOT NULL AND day <= DATE '{end}'{among}
      GROUP BY customer, stamp{and_amount}) AS groups
WHERE alike > 1"""

ORPHANS = """
SELECT COALESCE(SUM(refunds), 0) AS row_count FROM numbered WHERE number = 0"""


@dataclass(frozen=True)
class Rules:
    """What decides which rows count and how.

    Attributes
    ----------
    end : datetime.date
        Last day observed.
    split : datetime.date, optional
        Last day of calibration.
    time_unit : str
        ``"D"``, ``"W"``, ``"M"`` or ``"Y"``.
    by_unit : bool
        Purchases of one calendar unit are one, instead of those of one day.
    money : bool
        Whether there are amounts.
    scale : int
        Amounts are added in multiples of 1 / scale.
    all_known : bool
        Whether no amount is missing.
    net_refunds, leave_refunds, leave_zeros : bool
        Refunds lower the last purchase, or are left out; zero amounts are left out.
    intervals : bool
        Whether the times between purchases are asked for, too.
    """

    end: date
    split: date | None = None
    time_unit: str = "W"
    by_unit: bool = False
    money: bool = True
    scale: int = 10**6
    all_known: bool = True
    net_refunds: bool = False
    leave_refunds: bool = False
    leave_zeros: bool = False
    intervals: bool = False

    def moment_of(self, day: date) -> int:
        """The moment of a day as the queries count it."""
        if not self.by_unit or self.time_unit == "D":
            return (day - EPOCH).days
        return {"W": ((day - EPOCH).days + 3) // 7, "M": 12 * day.year + day.month, "Y": day.year}[
            self.time_unit
        ]

    @property
    def unit(self) -> float:
        """Moments in a unit of time."""
        return 1.0 if self.by_unit else DAYS[self.time_unit]


def purchases_query(rules: Rules) -> str:
    """The query of purchases, a row a customer and moment: what the other queries ask, if `given`."""
    return _purchases(rules, rules.split is not None) + "\nSELECT * FROM purchases"


def _purchases(rules: Rules, split: bool) -> str:
    amount = "amount" if rules.all_known else "COALESCE(amount, 0)"
    units = f", ROUND({amount} * {rules.scale}) AS units"
    unknown = "amount IS NULL OR amount < 0" if rules.net_refunds else "amount IS NULL"
    known = "" if rules.all_known else f", CASE WHEN {unknown} THEN 0 ELSE 1 END AS known"
    known_sum = "" if rules.all_known else ", MAX(known) AS known"
    return (NETTED_PURCHASES if rules.net_refunds else PURCHASES).format(
        moment=MOMENTS[rules.time_unit if rules.by_unit else "D"],
        later=f", CASE WHEN day > DATE '{rules.split}' THEN 1 ELSE 0 END AS later" if split else "",
        and_later=", later" if split else "",
        money=units + known if rules.money else "",
        sums=", SUM(units) AS units" + known_sum if rules.money else "",
        known_sum=known_sum,
        netted="SUM(units)" if rules.all_known else "SUM(units) * MAX(known)",
        end=rules.end,
        only=_only(rules),
    )


def _only(rules: Rules) -> str:
    left = [" AND COALESCE(amount, 1) >= 0"] * rules.leave_refunds + [
        " AND COALESCE(amount, 1) <> 0"
    ] * rules.leave_zeros
    return "".join(left)


def summary_query(rules: Rules, given: bool = False) -> str:
    """The query of a customer summary: one row a customer.

    `given` leaves out where the table ``purchases`` comes from; see `purchases_query`.

    Besides the columns of the summary, ``row_count`` is how many rows of the log the customer's purchases
    are, and ``refund_count``, where refunds are netted, how many were taken off them.
    """

    def double(number):
        return f"{float(number)!r}E0"

    unit, scale, last = double(rules.unit), double(rules.scale), rules.moment_of(rules.split or rules.end)
    refunds = ",\n       CAST(SUM(refunds) AS BIGINT) AS refund_count" if rules.net_refunds else ""
    counted = "log_interval" if rules.split is None else "CASE WHEN later = 0 THEN log_interval END"
    shared = {
        "unit": unit,
        "last": last,
        "refunds": refunds,
        "source": TIMED.format(unit=unit) if rules.intervals else "purchases",
        "intervals": LOG_INTERVALS.format(counted=counted) if rules.intervals else "",
    }
    if rules.split is None:
        known = "COUNT(*) - 1" if rules.all_known else "SUM(known) - MIN_BY(known, moment)"
        mean = MEAN.format(scale=scale, known_again=known) if rules.money else ""
        query = SUMMARY.format(mean=mean, **shared)
        return query if given else _purchases(rules, False) + query
    known, known_later = "COUNT(*) - SUM(later) - 1", "SUM(later)"
    if not rules.all_known:
        known = "SUM(CASE WHEN later = 0 THEN known ELSE 0 END) - MIN_BY(known, 2 * moment + later)"
        known_later = "SUM(later * known)"
    query = SPLIT_SUMMARY.format(
        **shared,
        mean=SPLIT_MEAN.format(scale=scale, known_again=known) if rules.money else "",
        mean_holdout=HOLDOUT_MEAN.format(scale=scale, known_later=known_later) if rules.money else "",
    )
    return query if given else _purchases(rules, True) + query


def repeats_query(rules: Rules, given: bool = False) -> str:
    """The query of repeat purchases by first moment and moment, of the customers of the summary."""
    query = REPEATS.format(split=rules.moment_of(rules.split or rules.end))
    return query if given else _purchases(rules, False) + query


def latecomers_query(rules: Rules) -> str:
    """The query of how many customers first bought after calibration, and how many rows they have."""
    return _purchases(rules, True) + LATECOMERS.format(
        rows_of="bought + refunds" if rules.net_refunds else "bought"
    )


def orphans_query(rules: Rules) -> str:
    """The query of how many refunds follow no purchase."""
    return _purchases(rules, rules.split is not None) + ORPHANS


def duplicates_query(rules: Rules, among: str = "") -> str:
    """The query of how many rows are like another one; `among` may restrict the customers."""
    return DUPLICATES.format(end=rules.end, and_amount=", amount" if rules.money else "", among=among)
