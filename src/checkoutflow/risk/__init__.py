"""Learning the score that tells which orders a person should look at."""
