"""Problem sets that others keep: the hub's by name, and the tasks of reasoning-gym."""
