"""One company in which all theories meet: a customer base whose truth is known.

    company = Company("trap", customers=20_000, months=36, seed=1)
    base = company.simulate()                        # Simulation(tables, truth)
    base.tables["orders"]                            # what a firm has: see below
    base.truth.customers                             # what no firm has
    company.do(membership=0).simulate()              # the same customers, the same luck, no scheme

`Company` is lazy: it holds a truth (a preset's name or `CompanyParameters`), a size and a seed. ``do(...)``
takes membership, crm, campaign, second_channel, recovery (0 for nobody, 1 for everybody), service, price and
``since``; whoever is not touched by what it changes is the same to the last bit. With
``simulate(keep=["orders"])`` only what is asked for is written down.

Month by month, as a firm decides:

    run = company.start()
    run.step()                                       # the company's own calendar
    run.step(Decision(price=0.95, offers=lambda books: books["recent"] > 1, scheme=True))
    run.play(lambda books, month: Decision(offers=books["lottery"] < 0.5), until=12)
    run.books()                                      # a row a customer, as the firm knows them now
    run.tables, run.truth                            # up to now
    run.copy(trust=0.5)                              # the same from here on, apart, with more trust
    run.save("state.npz"); Run.load("state.npz")     # the same from there on, to the last bit

`Decision` has price, service, scheme, push, offers, retention, investment, rival_pull and recovery; offers
and retention take a rule over the books, a list of customer numbers, True or False. ``step`` returns a
`MonthSummary`: revenue, cost of goods, counts, members' revenue, mailings. Another ``luck`` seed from
``luck_from`` on gives the same history other luck.

Tables (months count from 0; ``time`` is in months of 365.25 / 12 days, ``date`` in UTC):

=================  ========================================================================================
customers          customer_id, joined, date, branch_id, region, segment, age, acquired_by, referrer_id,
                   encouraged (by letter, by lot, to use the second channel)
needs              customer_id, aspect, importance
branches           branch_id, region, scheme_since, crm_since, redress_by_lot
employees          employee_id, branch_id, since, left
staff_surveys      employee_id, branch_id, month, job_satisfaction
channels           channel, cost_an_order
members            customer_id, joined, date
channel_choices    customer_id, taken_up, date
campaigns          campaign_id, month, sent, kind, cost
orders             order_id, customer_id, branch_id, channel, month, time, date, amount, margin (first ones,
                   too)
exposures          customer_id, campaign_id, month, sent, read, propensity; those sent nothing, too
surveys            customer_id, month, date, satisfaction, attitude, switching_cost, alternatives, intention
complaints         customer_id, branch_id, employee_id, month, date, redressed
reviews            customer_id, branch_id, month, date, stars
retention_offers   customer_id, month
=================  ========================================================================================

Surveys ask everybody in the books in months 5, 8, 11 …; who does not answer has no row.

Which lessons' markets are marginals of it, and the tests that hold their estimators to it (of
``tests/company``; m: ``test_marginals``, a: ``test_analyses``):

==  ========================================================================================================
00  in part: mailings by habit and by lot (a); the lesson's list of last year is `past`
01  H4 alone: expectation adapts (a). Needs are asked for, but an experience has no aspects
02  no: there is no second offer that some segments would rather have
03  no: nobody listens to calls. Satisfaction lies where the lesson's data have it (``test_likeness``)
04  yes: satisfaction follows expectation and surprise, expectation adapts (a)
05  no: there is one brand, at one price for all
06  H4 alone: switching costs hold the dissatisfied rather (m). No hours of work, no minutes of ordering
07  H1, the comparison level, and H1a, better elsewhere (m). No favours: nobody gives any
08  H2, H3, trust, satisfaction and commitment; H4a, H4b, who stays and recommends (m). No scales: surveys
    do not ask about trust, nor a marker
09  H2: who is satisfied stays (m), and rebuying on ratings (a), which survey answers blur
10  no: customers have rates and moods, no stages
11  yes: BG/NBD with gamma-gamma, parameters and likelihood (``test_exactness``)
12  in part: the best fifth's share now and a year later (``test_likeness``); there are no full costs
13  in part: who recommends (m, as 08 H4b); nothing is spent on winning customers
14  yes: openings at branches, members less others (a)
15  no: an experience has no moments, and its answer no hour
16  in part: staff, branch quality and satisfaction (a); branches have no accounts
17  yes: letters by lot, redress by lot, who posts (a). Devices are not linked
18  in part: whom to mail (a), what the system does (``tests/theories``); nobody is trained
==  ========================================================================================================

Lessons 06 to 09 have customers who differ in their moods alone. Here their rates differ, too, and those who
are left are no fair sample: of those who are prone to leave, the committed are left. So the tests of who
stays make customers alike, and one shows how far the same analysis errs where they are not.

`frames` makes rows for analyses of these tables, `analyses` has those of the lessons. `effects` is what
decisions do, by two worlds with the same luck; `together` simulates many small companies side by side.
`parts.write_parts` writes a company to a folder, part by part, and `parts.read_tables` reads it.
"""

from crmlab.company.block import MonthSummary
from crmlab.company.decisions import Decision, Interventions
from crmlab.company.market import Company
from crmlab.company.parameters import PRESETS, CompanyParameters, preset, presets_table
from crmlab.company.running import Run
from crmlab.company.tables import Simulation, Truth

__all__ = [
    "PRESETS",
    "Company",
    "CompanyParameters",
    "Decision",
    "Interventions",
    "MonthSummary",
    "Run",
    "Simulation",
    "Truth",
    "preset",
    "presets_table",
]
