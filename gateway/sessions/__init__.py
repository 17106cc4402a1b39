"""People who signed in: how they do, their tokens, and whether their provider still knows them."""
