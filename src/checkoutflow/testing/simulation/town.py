"""A simulated world with people in it."""

from __future__ import annotations

from checkoutflow.testing.simulation.people import Clerk, Customer
from checkoutflow.testing.simulation.world import Simulation


class Town(Simulation):
    """A world with customers, and a clerk for each order."""

    def settle_in(self) -> None:
        """The customers come, within some minutes."""
        for number in range(1, self.plan.customers + 1):
            if self.cut.customers is None or number in self.cut.customers:
                someone = Customer(self, number)
                self.begin(someone.actor, someone.buys(), 600 * someone.dice.random() ** 2)

    def hire(self, checkout_id: str, number: int) -> None:
        """Somebody at the shop looks after an order from now on."""
        self._numbers[checkout_id] = number
        clerk = Clerk(self, checkout_id, number)
        self.begin(clerk.actor, clerk.works(), self.now_s)
