"""What the levers of the game cost, and how far each may be moved.

The numbers are ours, tuned so that how a lever is used decides: used bluntly (a price cut, service or
advertising at the limit, coupons or offers to all) each loses; used with measure, service, the CRM system and
coupons gain on average, and the scheme and offers to the customers of highest spend gain with nearly every
seed (``tests/benchmarks/bench_game.py --levers`` measures the table).
"""

from dataclasses import dataclass

HISTORY = 12  # months that every team finds in its books
ROUND = 4  # months
AFTER = 12  # months that the market runs on without decisions before what is left is valued
PRICES = (0.7, 1.3)
SERVICE = (0.0, 1.0)
PUSH = (0.0, 2.0)
MAILINGS = (1, 2)  # in a round: in its first month, or in its first and third
MAILING_EVERY = 2  # months between two mailings of a round
ACTIVE = 6  # months since the last order within which a customer counts as active
TESTS = (5, 8, 11)  # months of the history with a mailing to a random half


@dataclass(frozen=True)
class Economy:
    """Prices and effects of the levers; money is in the currency of the orders.

    Attributes
    ----------
    goods : float
        Cost of what is sold, as a share of its value at the list price.
    service, service_more : float
        A level of service ``s`` costs ``service s + service_more s²`` a month and active customer: the
        first improvements are cheap, the last dear.
    points, member : float
        The scheme's points, as a share of members' spend, and what a member costs a month.
    push : float
        One unit of advertising the scheme, a month and active customer.
    letter, coupon : float
        A mailing to one customer, and the discount on the orders of its month.
    system, introduction : float
        The CRM system a month and active customer, and its introduction, an active customer, in each round
        in which it was not there before.
    offer : float
        A retention offer to one customer.
    holding : float
        By how much an offer lowers the log-odds that an order is the customer's last, while the round lasts.
    exit_price, exit_service : float
        How a price above the others' (in logs) and service above theirs move that log-odds, before the
        market's own slope on attractive alternatives.
    discount : float
        A month.
    """

    goods: float = 0.6
    service: float = 2.0
    service_more: float = 1.6
    points: float = 0.02
    member: float = 0.05
    push: float = 0.1
    letter: float = 0.20
    coupon: float = 0.10
    system: float = 0.25
    introduction: float = 1.0
    offer: float = 3.0
    holding: float = 0.2
    exit_price: float = 1.5
    exit_service: float = 0.5
    discount: float = 0.01

    def service_cost(self, level: float) -> float:
        """What a level of service costs a month and active customer."""
        return self.service * level + self.service_more * level**2


ECONOMY = Economy()
