"""The market game: seconds of a round for a class of 30 teams, and what each lever of the game earns.

    python tests/benchmarks/bench_game.py                    # a game of 30 teams, 5,000 customers, one round
    python tests/benchmarks/bench_game.py --levers 20        # levers over 20 seeds, against doing nothing
    python tests/benchmarks/bench_game.py --lucks 20         # the same, of one history over 20 lucks
    python tests/benchmarks/bench_game.py --reveal           # the 30 teams' whole game and its reveal
    python tests/benchmarks/bench_game.py --calibration 200  # what luck intervals hold, and how often signs err

A lever's row gives, in thousands, what it adds to profit and to score (profit and what is left), with the
standard deviation and the 5% and 95% quantiles of the score, the share of seeds in which it gains, and what a
round of it costs of the budget on average. None may win alone: the best row is a mix.

The calibration plays seven levers with many lucks after one history and draws samples of them: the share of
further lucks within and above the luck interval, and how often a mean that is 0 is told a gain or a loss.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from crmlab.game.course import Rivals, finish, history, play_round
from crmlab.game.decisions import NOTHING, Decision, Group
from crmlab.game.market import Market
from crmlab.game.scoring import known_sign, luck_interval

CUSTOMERS, ROUNDS = 5000, 6
EVERYBODY = Group("all")
ACTIVE = Group("months_since_order <= 5")
FREQUENT = Group("orders_4 >= 1", at_most=600, by="orders_12")
TOP = Group("orders_12 >= 1", at_most=250, by="spend_12")
NEW = Group("orders <= 3 and months_since_order <= 3")
LIGHT = Group("orders_12 <= 2 and months_since_order <= 4")
HEAVY = Group("orders_4 >= 3")
LEVERS = {
    "nothing": NOTHING,
    "price .90": Decision(price=0.9),
    "price .95": Decision(price=0.95),
    "price 1.05": Decision(price=1.05),
    "service .1": Decision(service=0.1),
    "service .2": Decision(service=0.2),
    "service .4": Decision(service=0.4),
    "service .8": Decision(service=0.8),
    "scheme": Decision(scheme=True),
    "scheme, push 1": Decision(scheme=True, push=1.0),
    "scheme, push 2": Decision(scheme=True, push=2.0),
    "CRM": Decision(crm=True),
    "mail all, twice": Decision(mailing=EVERYBODY, mailings=2),
    "mail heavy, twice": Decision(mailing=HEAVY, mailings=2),
    "mail light, twice": Decision(mailing=LIGHT, mailings=2),
    "mail light, once": Decision(mailing=LIGHT, mailings=1),
    "offers to all": Decision(retention=EVERYBODY),
    "offers to active": Decision(retention=ACTIVE),
    "offers to frequent": Decision(retention=FREQUENT),
    "offers to top 250": Decision(retention=TOP),
    "offers to new": Decision(retention=NEW),
    "service .1, CRM": Decision(service=0.1, crm=True),
    "CRM, offers": Decision(crm=True, retention=FREQUENT),
    "service .1, CRM, offers, mail": Decision(
        service=0.1, crm=True, retention=FREQUENT, mailing=LIGHT, mailings=2, scheme=True
    ),
}
LAST = {  # in the last round alone: nothing may be gained there that the score does not charge for
    "last round: price 1.15": Decision(price=1.15),
    "last round: price .85": Decision(price=0.85),
    "last round: service .4": Decision(service=0.4),
    "last round: CRM": Decision(crm=True),
    "last round: scheme, push 2": Decision(scheme=True, push=2.0),
    "last round: offers to top 250": Decision(retention=TOP),
}


def played(decision, first, seed, luck=0):
    """Profit, score and mean commitment a round of a decision that is taken from round `first` on."""
    way, committed = history(Market(ROUNDS, CUSTOMERS, seed, luck)), []
    for number in range(ROUNDS):
        now = decision if number >= first else NOTHING
        committed.append(way.committed(now).total)
        play_round(way, now, Rivals())
    score = finish(way)
    return score.profit, score.total, float(np.mean(committed))


def levers(seeds, lucks, only):
    runs = [(seed, 0) for seed in range(seeds)] if seeds else [(1, luck) for luck in range(1, lucks + 1)]
    chosen = {
        name: one for name, one in (LEVERS | LAST).items() if not only or name == "nothing" or only in name
    }
    jobs = [(one, (ROUNDS - 1) * (name in LAST), *run) for name, one in chosen.items() for run in runs]
    found = np.array(Parallel(n_jobs=2)(delayed(played)(*job) for job in jobs)).reshape(
        len(chosen), len(runs), 3
    )
    print(f"{len(runs)} {'seeds' if seeds else 'lucks'}, {CUSTOMERS:,} customers, {ROUNDS} rounds; thousands")
    base = found[0]
    print(
        f"nothing: profit {base[:, 0].mean() / 1e3:.0f}, score {base[:, 1].mean() / 1e3:.0f} (sd {base[:, 1].std(ddof=1) / 1e3:.0f})"
    )
    print(f"{'':32}{'profit':>8}{'score':>8}{'sd':>7}{'5%':>8}{'95%':>8}{'gains':>7}{'budget':>8}")
    for name, one in zip(chosen, found):
        more = (one - base)[:, :2] / 1e3
        low, high = np.quantile(more[:, 1], [0.05, 0.95])
        print(
            f"{name:32}{more[:, 0].mean():8.1f}{more[:, 1].mean():8.1f}{more[:, 1].std(ddof=1):7.1f}{low:8.1f}{high:8.1f}"
            f"{(more[:, 1] > 0).mean():7.2f}{one[:, 2].mean() / 1e3:8.1f}"
        )


def calibration(lucks, samples=3000):
    names = (
        "price .95",
        "service .2",
        "scheme",
        "CRM",
        "mail light, twice",
        "offers to top 250",
        "CRM, offers",
    )
    jobs = [(LEVERS[name], 0, 1, luck) for name in ("nothing", *names) for luck in range(1, lucks + 1)]
    scores = Parallel(n_jobs=2)(delayed(played)(*job) for job in jobs)
    found = np.array([score for _, score, _ in scores]).reshape(len(names) + 1, lucks)
    pools, rng = found[1:] - found[0], np.random.default_rng(0)
    print(
        f"{lucks} lucks, {CUSTOMERS:,} customers; means over {len(names)} levers (nominal .9, .05; .025, .025)"
    )
    print(f"{'lucks':>6}{'within':>8}{'above':>8}{'lowest':>8}{'gain':>8}{'loss':>8}")
    for n in (each for each in (4, 8, 10, 20, 40) if each < lucks):
        rows = []
        for pool in pools:
            drawn = [rng.choice(pool, n + 1, replace=False) for _ in range(samples)]
            bounds = np.array([luck_interval(each[:-1]) for each in drawn])
            new = np.array([each[-1] for each in drawn])
            around = [rng.choice(pool, n) - pool.mean() for _ in range(samples)]
            signs = np.array([known_sign(each) for each in around])
            above = new > bounds[:, 1]
            rows.append(
                [
                    (~above & (new >= bounds[:, 0])).mean(),
                    above.mean(),
                    (signs > 0).mean(),
                    (signs < 0).mean(),
                ]
            )
        within, above, gain, loss = np.mean(rows, axis=0)
        print(f"{n:6}{within:8.3f}{above:8.3f}{np.min(rows, axis=0)[0]:8.3f}{gain:8.3f}{loss:8.3f}")


def timed(work, *arguments, **options):
    """Wall and processor seconds."""
    wall, busy = time.perf_counter(), time.process_time()
    work(*arguments, **options)
    return time.perf_counter() - wall, time.process_time() - busy


def a_class(teams, rounds, reveal):
    from crmlab import game

    decisions = [
        "price,0.95\n",
        "service,0.2\n",
        "scheme,on\n",
        "crm,on\n",
        'mailing,2,"orders >= 2",600,orders\n',
        "",
    ]
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "teams.csv"
        listed.write_text("team\n" + "".join(f"team{number}\n" for number in range(1, teams + 1)))
        start = time.perf_counter()
        made = game.new(Path(folder) / "game", listed, seed=1, rounds=ROUNDS, customers=CUSTOMERS)
        print(f"new: {time.perf_counter() - start:.1f} s")
        seconds = []
        for number in range(1, rounds + 1):
            for at, team in enumerate(made.teams):
                text = "decision,value,customers,at_most,by\n" + decisions[at % len(decisions)]
                (made.of_team(team.id, number) / "decisions.csv").write_text(text)
            seconds.append(timed(game.play, made.folder, processes=1))
        wall, busy = map(statistics.median, zip(*seconds))
        print(
            f"play: {wall:.1f} s a round of {teams} teams, {busy:.1f} s of processor time (median of {rounds})"
        )
        size = sum(path.stat().st_size for path in made.folder.rglob("*") if path.is_file()) / 2**20
        print(f"folder after {rounds} rounds: {size:.0f} MiB")
        if reveal:
            wall, busy = timed(game.reveal, made.folder, processes=1)
            print(
                f"reveal: {wall:.0f} s, {busy:.0f} s of processor time; as many processes as cores share it"
            )


if __name__ == "__main__":
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--levers", type=int, default=0, metavar="SEEDS")
    options.add_argument("--lucks", type=int, default=0, metavar="LUCKS")
    options.add_argument("--only", default="", metavar="TEXT", help="levers with this in their name")
    options.add_argument("--teams", type=int, default=30)
    options.add_argument("--reveal", action="store_true")
    options.add_argument("--calibration", type=int, default=0, metavar="LUCKS")
    given = options.parse_args()
    if given.calibration:
        sys.exit(calibration(given.calibration))
    if given.levers or given.lucks:
        sys.exit(levers(given.levers, given.lucks, given.only))
    a_class(given.teams, ROUNDS if given.reveal else 1, given.reveal)
