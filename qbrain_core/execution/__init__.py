"""Trade a strategy's decisions the way the exchange would have let it: panel, costs, and the loop over sessions."""

from qbrain_core.execution.costs import Costs
from qbrain_core.execution.orders import Fill, Rejection, Simulation
from qbrain_core.execution.panel import Panel, build_panel
from qbrain_core.execution.simulate import simulate

__all__ = ["Costs", "Fill", "Panel", "Rejection", "Simulation", "build_panel", "simulate"]
