"""A simulated world with people in it."""

from __future__ import annotations

from checkoutflow.testing.simulation.clerks import Answering, Clerk, Reviewer
from checkoutflow.testing.simulation.people import Customer
from checkoutflow.testing.simulation.world import Mail, Simulation


class Town(Simulation):
    """A world with customers, and a clerk for each order."""

    def settle_in(self) -> None:
        """The customers come, within some minutes."""
        for number in range(1, self.plan.customers + 1):
            if self.cut.customers is None or number in self.cut.customers:
                someone = Customer(self, number)
                self.begin(someone.actor, someone.buys(), 600 * someone.dice.random() ** 2)

    def hire(self, checkout_id: str, name: str, email: str) -> None:
        """Somebody at the shop looks after an order from now on."""
        self._numbers[checkout_id] = name
        self.mail[checkout_id] = Mail(email)
        self.call(Clerk(self, checkout_id, name))

    def call(self, someone: Clerk | Reviewer | Answering) -> None:
        """Let somebody begin with their work."""
        self.begin(someone.actor, someone.works(), self.now_s)
