"""The scenario language `relay/1`: from a YAML file with places to frozen values and a graph that can be walked."""
