# A module of a user's.
{ label = "mine"; }
