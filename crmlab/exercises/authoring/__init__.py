"""For authors: a master to start from, what a student sees of it, and whether it holds for every learner."""
