"""The search for a good conversion: which options give the best spiking network for a goal, on samples held out."""

from snntoolbox.search.goal import Goal
from snntoolbox.search.run import Search, SearchResult
from snntoolbox.search.space import Round, recipe_round, rounds, threshold_round, transient_round
from snntoolbox.search.trial import Trial

__all__ = [
    "Goal",
    "Round",
    "Search",
    "SearchResult",
    "Trial",
    "recipe_round",
    "rounds",
    "threshold_round",
    "transient_round",
]
