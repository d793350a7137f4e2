"""What a run will cost and what it could see, before it is begun."""
