"""The engine `http`: models that somebody serves, by ids where the server takes them, by text where it does not."""
