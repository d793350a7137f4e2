"""Problem families: questions made up by a seed, as many as are wanted, with exact answers and the steps to them.

A family is a module with one function, which makes up a task of a difficulty; `Family` makes a problem set of it.
"""
