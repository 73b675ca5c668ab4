"""The leaderboard: selection, statistics and forms. A pure function of the records."""
